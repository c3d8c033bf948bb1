package io.jllm.examples.cli.output;

import java.util.Locale;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What the library logs, as lines among the other words for people. */
public final class Log extends Handler {
    /** Held, as a logger that nothing holds forgets its level. */
    private static final Logger LIBRARY = Logger.getLogger("io.jllm");

    private final SimpleFormatter formatter = new SimpleFormatter();
    private final Console console;

    private Log(Console console) {
        this.console = console;
    }

    /** Sends warnings there from now on; with {@code all}, everything. */
    public static void to(Console console, boolean all) {
        LogManager.getLogManager().reset();
        LIBRARY.setLevel(all ? Level.ALL : Level.WARNING);
        LIBRARY.addHandler(new Log(console));
    }

    /** Warnings are not wanted any more, unless everything is: for commands that cause what the library warns of. */
    public static void withoutWarnings() {
        if (LIBRARY.getLevel() == Level.WARNING) {
            LIBRARY.setLevel(Level.SEVERE);
        }
    }

    @Override
    public void publish(LogRecord entry) {
        if (isLoggable(entry)) {
            console.say("llm: " + entry.getLevel().getName().toLowerCase(Locale.ROOT) + ": " + formatter.formatMessage(entry));
        }
    }

    @Override
    public void flush() {
        console.err().flush();
    }

    @Override
    public void close() {
        // the stream is the program's
    }
}
