package io.jllm.jmh;

import io.jllm.jmh.compare.Compare;
import io.jllm.jmh.grammar.Masks;
import io.jllm.jmh.kernels.Pairs;
import io.jllm.jmh.kernels.Soak;
import io.jllm.jmh.results.ResultLines;
import io.jllm.jmh.server.ServerBench;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * JMH's own command line, with the JVM flags that jLLM wants. With the system property {@code jllm.results} it also appends a line
 * of JSON for each result to that file, as they are committed in {@code jmh/results}. With {@code compare}, {@code soak}, {@code pairs},
 * {@code masks} or {@code server} as the first argument it is {@link Compare}, {@link Soak}, {@link Pairs}, {@link Masks} or
 * {@link ServerBench} instead.
 */
public final class Main {
    /** For the JVMs that measure; the last one silences JMH. */
    private static final List<String> FLAGS = List.of("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow");

    private static final String COMPARE = "compare";
    private static final String SOAK = "soak";
    private static final String PAIRS = "pairs";
    private static final String MASKS = "masks";
    private static final String SERVER = "server";

    private Main() {
    }

    /** Runs the benchmarks that the arguments choose, or does what else JMH offers. */
    public static void main(String[] args) throws IOException, CommandLineOptionException, ExecutionException,
            InterruptedException {
        if (args.length > 0 && args[0].equals(COMPARE)) {
            System.exit(Compare.run(Arrays.copyOfRange(args, 1, args.length), System.out));
        }
        if (args.length > 0 && args[0].equals(SOAK)) {
            System.exit(Soak.run(Arrays.copyOfRange(args, 1, args.length)));
        }
        if (args.length > 0 && args[0].equals(PAIRS)) {
            System.exit(Pairs.run(Arrays.copyOfRange(args, 1, args.length), System.out));
        }
        if (args.length > 0 && args[0].equals(MASKS)) {
            System.exit(Masks.run(Arrays.copyOfRange(args, 1, args.length)));
        }
        if (args.length > 0 && args[0].equals(SERVER)) {
            System.exit(ServerBench.run(Arrays.copyOfRange(args, 1, args.length), System.out));
        }
        var asked = new CommandLineOptions(args);
        if (asked.shouldHelp() || asked.shouldList() || asked.shouldListWithParams() || asked.shouldListProfilers()
                || asked.shouldListResultFormats()) {
            org.openjdk.jmh.Main.main(args);
            return;
        }
        var flags = new ArrayList<>(FLAGS);
        flags.addAll(asked.getJvmArgsAppend().orElse(List.of()));
        Collection<RunResult> results;
        try {
            results = new Runner(new OptionsBuilder().parent(asked).jvmArgsAppend(flags.toArray(String[]::new)).build()).run();
        } catch (RunnerException e) {
            System.err.println(e instanceof NoBenchmarksException ? "no benchmark has such a name; -l lists them" : e.getMessage());
            System.exit(1);
            return;
        }
        String file = System.getProperty("jllm.results", "");
        if (!file.isEmpty()) {
            Files.write(Path.of(file), ResultLines.of(results, String.join(" ", args)), StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        }
    }
}
