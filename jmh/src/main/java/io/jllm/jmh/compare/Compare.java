package io.jllm.jmh.compare;

import com.google.gson.JsonObject;
import io.jllm.jmh.results.Provenance;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times {@code examples/llm bench} and, where one is given, {@code llama-bench} on the same file with the same threads and the same
 * KV type, in turn; appends a row for each setting to a file of results, and draws them. A row that is there already, by commit and
 * commands, is not measured again, so that an interrupted series goes on where it was.
 */
@Command(name = "compare", sortOptions = false, description = {
    "Times llm bench, and llama-bench in turn with it, on the same file, threads and KV type.",
    "Appends a line of JSON for each setting, and draws a chart of them. Goes on where it was interrupted."})
public final class Compare implements Callable<Integer> {
    @Option(names = "--model", paramLabel = "FILE", description = "A GGUF file.")
    private Optional<Path> model = Optional.empty();

    @Option(names = "--folder", paramLabel = "DIR", description = "Where the file is looked for if its path is relative (default: here).")
    private Path folder = Path.of("");

    @Option(names = "--name", paramLabel = "NAME", description = "How results call it (default: the file's name).")
    private Optional<String> name = Optional.empty();

    @Option(names = "--threads", split = ",", paramLabel = "N", description = "Threads, one row for each (default: ${DEFAULT-VALUE}).",
            defaultValue = "1,2")
    private List<Integer> threads = List.of();

    @Option(names = "--batch", split = ",", paramLabel = "B", defaultValue = "1",
            description = "Sequences at once, a row for each; above 1 the peer is llama-batched-bench (default: ${DEFAULT-VALUE}).")
    private List<Integer> batch = List.of();

    @Option(names = "--depth", paramLabel = "D", defaultValue = "0", description = "Tokens before what is measured (default: ${DEFAULT-VALUE}).")
    private int depth;

    @Option(names = "--prompt-tokens", paramLabel = "N", defaultValue = "512", description = "0: no pp (default: ${DEFAULT-VALUE}).")
    private int promptTokens;

    @Option(names = "--generate-tokens", paramLabel = "N", defaultValue = "64", description = "0: no tg (default: ${DEFAULT-VALUE}).")
    private int generateTokens;

    @Option(names = "--kv-type", paramLabel = "TYPE", defaultValue = "f16",
            description = "How both keep keys and values; llama-bench has no f32 (default: ${DEFAULT-VALUE}).")
    private String kvType = "";

    @Option(names = "--kernels", paramLabel = "NAME", defaultValue = "auto", description = "Ours (default: ${DEFAULT-VALUE}).")
    private String kernels = "";

    @Option(names = "--load", description = {"Measure loading instead: both programs from start to end, with one prompt of 8 tokens.",
        "Ours also says how long loading took, and the first token."})
    private boolean load;

    @Option(names = "--cold", description = "Drop the file from the system's cache before each run (with dd of GNU coreutils).")
    private boolean cold;

    @Option(names = "--busy", split = ",", paramLabel = "CPU",
            description = "Processors on each of which another process spins meanwhile, pinned by taskset.")
    private List<Integer> busy = List.of();

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Runs of each (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(names = "--limit", paramLabel = "MINUTES", defaultValue = "15", description = "The longest run (default: ${DEFAULT-VALUE}).")
    private int limitMinutes;

    @Option(names = "--llm", paramLabel = "FILE", defaultValue = "examples/llm", description = "Our command line (default: ${DEFAULT-VALUE}).")
    private Path llm = Path.of("");

    @Option(names = "--llama-bench", paramLabel = "FILE", description = "The peer: llama.cpp's, or a fork's.")
    private Optional<Path> llamaBench = Optional.empty();

    @Option(names = "--llama-batched-bench", paramLabel = "FILE", description = "The peer for batches.")
    private Optional<Path> llamaBatchedBench = Optional.empty();

    @Option(names = "--peer", paramLabel = "NAME", defaultValue = "llama.cpp", description = "Its name and version (default: ${DEFAULT-VALUE}).")
    private String peerName = "";

    @Option(names = "--peer-args", paramLabel = "\"ARGS\"", defaultValue = "", description = "Further arguments of the peer, such as \"-fa 1\".")
    private String peerArguments = "";

    @Option(names = "--peer-env", split = ";", paramLabel = "NAME=VALUE", description = "Environment variables of the peer.")
    private Map<String, String> peerEnvironment = Map.of();

    @Option(names = "--plan", paramLabel = "FILE",
            description = "Options a line, one comparison each; what is given here too goes for all lines that do not say otherwise.")
    private Optional<Path> plan = Optional.empty();

    @Option(names = "--results", paramLabel = "FILE", defaultValue = "jmh/results/cpu.jsonl",
            description = "Where rows are appended (default: ${DEFAULT-VALUE}).")
    private Path results = Path.of("");

    @Option(names = "--again", description = "Measure what is there already, too.")
    private boolean again;

    @Option(names = "--chart", paramLabel = "FILE", description = "Draw the results as SVG; without --model or --plan nothing is measured.")
    private Optional<Path> chart = Optional.empty();

    @Option(names = "--chart-rows", paramLabel = "REGEX", defaultValue = ".*",
            description = "Which rows to draw, by a part of their label (default: all).")
    private String chartRows = "";

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this.")
    private boolean help;

    private final String[] arguments;
    private final PrintStream out;

    Compare(String[] arguments, PrintStream out) {
        this.arguments = arguments;
        this.out = out;
    }

    /** Runs it: exit code 0, 2 for bad usage, 1 if a measurement failed (the others are made nevertheless). */
    public static int run(String[] args, PrintStream out) {
        return line(args, out).execute(args);
    }

    private static CommandLine line(String[] args, PrintStream out) {
        var line = new CommandLine(new Compare(args, out)).setOverwrittenOptionsAllowed(true);
        line.setExecutionExceptionHandler((e, _, _) -> {
            out.println("compare: " + (e instanceof IOException || e instanceof IllegalArgumentException ? e.getMessage() : e));
            return 1;
        });
        return line;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        int failed = 0;
        if (plan.isPresent()) {
            for (List<String> words : Plan.read(plan.get())) {
                failed += ofLine(words).measure();
            }
        } else if (model.isPresent()) {
            failed = measure();
        } else if (chart.isEmpty()) {
            throw new CommandLine.ParameterException(new CommandLine(this), "give --model FILE, --plan FILE, or --chart FILE");
        }
        if (chart.isPresent()) {
            Files.writeString(chart.get(), Chart.svg(new Rows(results).all(), chartRows));
            out.println("drawn: " + chart.get());
        }
        return failed == 0 ? 0 : 1;
    }

    /** The options of a line after those given here, so that the line's count. */
    private Compare ofLine(List<String> words) {
        var all = new ArrayList<>(Arrays.asList(arguments));
        all.addAll(words);
        String[] args = all.toArray(String[]::new);
        CommandLine line = line(args, out);
        line.parseArgs(args);
        return line.getCommand();
    }

    /** Measures every combination; returns how many failed. */
    private int measure() throws IOException, InterruptedException {
        Path file = model.map(folder::resolve).orElseThrow(() ->
                new IllegalArgumentException("a line of the plan has no --model, nor has the command line"));
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException("there is no file " + file);
        }
        String commit = Provenance.commit();
        var rows = new Rows(results);
        var ours = new Jllm(llm);
        Optional<LlamaBench> peer = llamaBench.map(bench -> new LlamaBench(peerName, bench, llamaBatchedBench,
                peerArguments.isBlank() ? List.of() : List.of(peerArguments.strip().split("\\s+")), new LinkedHashMap<>(peerEnvironment)));
        int failed = 0;
        for (int count : threads) {
            for (int sequences : batch) {
                var setting = new Setting(file, name.orElse(file.getFileName().toString()), count, sequences, depth, promptTokens, generateTokens,
                        load, kvType, kernels, new Circumstances(cold, busy));
                if (!again && rows.has(commit, ours.command(setting), peer.map(p -> p.command(setting)))) {
                    out.println(setting.label() + ": there already");
                    continue;
                }
                try {
                    Comparison c = Comparison.measure(setting, ours, peer, rounds, Duration.ofMinutes(limitMinutes), out::println);
                    JsonObject row = Rows.row(c, ours, peer, commit, Files.size(file));
                    rows.add(row);
                    out.println(load ? setting.label() + ": " + row.get("wall_ms") + " ms" + (peer.isPresent() ? ", by the peer's "
                            + row.get("ratio_wall") : "")
                            : setting.label() + ": pp " + row.get("pp") + " tg " + row.get("tg")
                            + (peer.isPresent() ? ", by the peer's " + row.get("ratio_pp") + " and " + row.get("ratio_tg") : "")
                            + "; share of bandwidth " + row.get("tg_share_of_bandwidth"));
                } catch (IOException e) {
                    failed++;
                    out.println(setting.label() + ": failed: " + e.getMessage());
                }
            }
        }
        return failed;
    }
}
