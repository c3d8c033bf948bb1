package io.jllm.examples.cli.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Lines of a stream, where no person types. */
public final class ReadLines implements Lines {
    private final BufferedReader reader;

    /** Of that stream, which is UTF-8. */
    public ReadLines(InputStream in) {
        reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    }

    @Override
    public Optional<String> next(String prompt) throws IOException {
        return Optional.ofNullable(reader.readLine());
    }

    /** Ctrl-C ends the program here. */
    @Override
    public Interrupting interrupting(Runnable action) {
        return () -> { };
    }

    @Override
    public void close() {
        // standard input is not ours
    }
}
