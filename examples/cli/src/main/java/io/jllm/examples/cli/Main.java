package io.jllm.examples.cli;

import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Failures;
import io.jllm.examples.cli.output.Interruption;
import io.jllm.examples.cli.output.Output;
import io.jllm.spi.BackendProvider;
import io.jllm.spi.BackendProvider.BackendOptions;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;

/** The program behind the script {@code llm}. */
public final class Main {
    /** Commands that load a model, on a processor as a rule. */
    private static final Set<String> LOADING = Set.of("run", "chat", "infer", "serve", "deploy", "logits", "embed", "perplexity", "bench");

    private static final String BACKEND = "--backend";

    private static final byte[] LAST_WORDS = "llm: out of memory: the Java heap is full; give it more with JLLM_JAVA_OPTS=-Xmx...\n"
            .getBytes(StandardCharsets.US_ASCII);

    private Main() {
    }

    /** Runs one command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        int code = Failures.FAILED;
        try (var interruption = new Interruption()) {
            // Text is UTF-8 here, whatever the locale says.
            var console = new Console(new Output(file("jllm.cli.out", FileDescriptor.out)), new PrintStream(file("jllm.cli.err",
                    FileDescriptor.err), true, StandardCharsets.UTF_8), System.in, Boolean.getBoolean("jllm.cli.terminal"), interruption::came);
            Arrays.stream(args).findFirst().filter(LOADING::contains).ifPresent(_ -> prepare(asked(args)));
            code = run(args, console);
        } catch (Throwable e) { // a full heap has many names: what the JVM links or initialises while it is full fails in its own way
            tell(e);
        }
        System.exit(code);
    }

    private static void tell(Throwable e) {
        try {
            System.err.println("llm: " + Failures.line(e));
        } catch (Throwable _) { // so nothing longer can be said
            System.err.write(LAST_WORDS, 0, LAST_WORDS.length);
        }
    }

    private static int run(String[] args, Console console) {
        try {
            return Cli.run(Arguments.typed(args), console);
        } catch (BadInput e) {
            console.say("llm: " + Failures.line(e));
            return Failures.BAD_INPUT;
        }
    }

    /** Standard output or error, for which the script has other numbers: the JVM writes to the usual ones what is no word of ours. */
    private static FileOutputStream file(String property, FileDescriptor usual) {
        int number = Integer.getInteger(property, -1);
        if (number < 0) {
            return new FileOutputStream(usual);
        }
        try {
            Constructor<FileDescriptor> inherited = FileDescriptor.class.getDeclaredConstructor(int.class);
            inherited.setAccessible(true);
            return new FileOutputStream(inherited.newInstance(number));
        } catch (ReflectiveOperationException | InaccessibleObjectException e) {
            throw new IllegalStateException("this JVM cannot write to file " + number + " that it inherits", e);
        }
    }

    /** The backend that the command line names, whether it is one or not. */
    private static Optional<String> asked(String[] args) {
        for (int i = 0; i < args.length; i++) {
            if (args[i].equals(BACKEND) && i + 1 < args.length) {
                return Optional.of(args[i + 1]);
            }
            if (args[i].startsWith(BACKEND + "=")) {
                return Optional.of(args[i].substring(BACKEND.length() + 1));
            }
        }
        return Optional.empty();
    }

    /**
     * Has backends find out what this machine can do while the command line is read, each in a thread of its own, as each takes a while: they keep
     * what they find, and a device stays started for some seconds.
     *
     * @param asked the only one that is asked for; empty if it is to be chosen
     */
    private static void prepare(Optional<String> asked) {
        inBackground(() -> ServiceLoader.load(BackendProvider.class).stream().map(ServiceLoader.Provider::get)
                .filter(p -> p.name().equals(asked.orElse(p.name()))).forEach(p -> inBackground(() -> prepare(p))));
    }

    private static void prepare(BackendProvider p) {
        if (p.name().equals("cpu")) {
            p.open(BackendOptions.DEFAULT).close();
        } else {
            p.probe();
        }
    }

    private static void inBackground(Runnable work) {
        Thread.ofPlatform().daemon().name("llm-prepare").start(() -> {
            try {
                work.run();
            } catch (RuntimeException | Error _) {
                // of which whoever loads the model hears, and says it
            }
        });
    }
}
