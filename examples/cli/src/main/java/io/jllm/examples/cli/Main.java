package io.jllm.examples.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** The program behind the script {@code llm}. */
public final class Main {
    private Main() {
    }

    /** Runs one command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        int code;
        try (var interruption = new Interruption()) {
            // Text is UTF-8 here, whatever the locale says.
            code = Cli.run(args, new Console(new Output(new FileOutputStream(FileDescriptor.out)),
                    new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                    Boolean.getBoolean("jllm.cli.terminal"), interruption::came));
        }
        System.exit(code);
    }
}
