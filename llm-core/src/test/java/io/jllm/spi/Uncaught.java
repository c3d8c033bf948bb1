package io.jllm.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Stands where many services end their process: what any thread leaves uncaught while this is open fails the test. */
public final class Uncaught implements AutoCloseable {
    private final Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
    private final List<String> seen = new CopyOnWriteArrayList<>();

    /** Takes the place of the JVM's default handler. */
    public Uncaught() {
        Thread.setDefaultUncaughtExceptionHandler((thread, t) -> seen.add(thread.getName() + ": " + t));
    }

    @Override
    public void close() {
        Thread.setDefaultUncaughtExceptionHandler(before);
        assertEquals(List.of(), seen);
    }
}
