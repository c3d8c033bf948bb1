package io.jllm.examples.cli.chat;

import java.io.IOException;
import java.util.Optional;

/** What a user says, line by line. */
public interface Lines extends AutoCloseable {
    /** The next line, once it is there; empty at the end. */
    Optional<String> next(String prompt) throws IOException;

    /** Has Ctrl-C do this, and not end the program, until the result is closed. */
    Interrupting interrupting(Runnable action);

    @Override
    void close() throws IOException;

    /** While it is open Ctrl-C has a meaning of its own. */
    interface Interrupting extends AutoCloseable {
        @Override
        void close();
    }
}
