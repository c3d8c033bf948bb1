package io.jllm.examples.cli;

import io.jllm.spi.BackendProvider;
import io.jllm.spi.BackendProvider.BackendOptions;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.ServiceLoader;
import java.util.Set;

/** The program behind the script {@code llm}. */
public final class Main {
    /** Commands that load a model, on a processor as a rule. */
    private static final Set<String> LOADING = Set.of("run", "logits", "perplexity", "bench");

    private Main() {
    }

    /** Runs one command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        int code;
        Arrays.stream(args).findFirst().filter(LOADING::contains).ifPresent(_ -> prepare());
        try (var interruption = new Interruption()) {
            // Text is UTF-8 here, whatever the locale says.
            code = Cli.run(args, new Console(new Output(new FileOutputStream(FileDescriptor.out)),
                    new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                    Boolean.getBoolean("jllm.cli.terminal"), interruption::came));
        }
        System.exit(code);
    }

    /** Has the backend for processors find out what this one can do, and keep it, while the command line is read: each takes a while. */
    private static void prepare() {
        Thread.ofPlatform().daemon().name("llm-prepare").start(() -> {
            try {
                ServiceLoader.load(BackendProvider.class).stream().map(ServiceLoader.Provider::get).filter(p -> p.name().equals("cpu"))
                        .forEach(p -> p.open(BackendOptions.DEFAULT).close());
            } catch (RuntimeException | Error _) {
                // of which whoever loads the model hears, and says it
            }
        });
    }
}
