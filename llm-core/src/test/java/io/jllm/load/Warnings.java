package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Hears what the library warns of, instead of the console, until it is closed. */
public final class Warnings extends Handler implements AutoCloseable {
    private final Logger logger = Logger.getLogger("io.jllm"); // held, or its handlers may be forgotten
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final long thread = Thread.currentThread().threadId();

    /** Begins to listen to what this thread does. */
    public Warnings() {
        logger.addHandler(this);
        logger.setUseParentHandlers(false);
    }

    @Override
    public void publish(LogRecord record) {
        if (record.getLevel() == Level.WARNING && record.getLongThreadID() == thread) {
            heard.add(record.getMessage());
        }
    }

    /** Expects one warning that holds all these words. */
    public void one(String... words) {
        assertEquals(1, heard.size(), heard.toString());
        some(words);
    }

    /** Expects a warning that holds all these words. */
    public void some(String... words) {
        assertTrue(heard.stream().anyMatch(w -> List.of(words).stream().allMatch(w::contains)), List.of(words) + " in " + heard);
    }

    /** Expects silence. */
    public void none() {
        assertEquals(List.of(), heard);
    }

    @Override
    public void flush() {
        // nothing is kept back
    }

    @Override
    public void close() {
        logger.removeHandler(this);
        logger.setUseParentHandlers(true);
    }
}
