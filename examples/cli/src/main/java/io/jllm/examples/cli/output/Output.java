package io.jllm.examples.cli.output;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Standard output as UTF-8. Unlike a PrintStream it says when nobody takes what is written. */
public final class Output {
    private final OutputStream stream;

    /** Writes to that stream, through a buffer. */
    public Output(OutputStream stream) {
        this.stream = new BufferedOutputStream(stream, 1 << 16);
    }

    /** Adds a text as it is. */
    public void print(String text) {
        try {
            stream.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /** Adds a line. */
    public void println(String line) {
        print(line + "\n");
    }

    /** Hands on what was added. */
    public void flush() {
        try {
            stream.flush();
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private static RuntimeException failure(IOException e) {
        return String.valueOf(e.getMessage()).contains("pipe") ? new ClosedByReader(e)
                : new UncheckedIOException("cannot write the output: " + e.getMessage(), e);
    }

    /** Whoever read the output has had enough ({@code llm ... | head}); no failure. */
    static final class ClosedByReader extends RuntimeException {
        private static final long serialVersionUID = 1;

        private ClosedByReader(IOException cause) {
            super(cause);
        }
    }
}
