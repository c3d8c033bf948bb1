package io.jllm.jmh.server;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.LLM;
import io.jllm.jmh.models.Models;
import io.jllm.jmh.results.Provenance;
import io.jllm.server.LlmServer;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * A model by its engine and by a server, in turn, as a line of JSON: {@code load CLIENTS SECONDS ROUNDS} for throughput,
 * {@code first-byte CALLS} for the time to the first piece; {@code -Dmodel=FILE} for another model than the demo model.
 */
public final class ServerBench {
    private static final String USAGE = "load CLIENTS SECONDS ROUNDS, or first-byte CALLS";
    private static final String MODEL = System.getProperty("model", Models.DEMO);
    private static final int MOST_SEQUENCES = 512;
    private static final int USUAL_SEQUENCES = 64;
    private static final double WARM_UP_SECONDS = 45; // of each: so long it takes until all of it is compiled, where others use the processors, too
    private static final int WARM_UP_CALLS = 1000;

    private ServerBench() {
    }

    /** Runs it; the exit code. */
    public static int run(String[] args, PrintStream out) throws IOException, InterruptedException, ExecutionException {
        System.setProperty("sun.net.httpserver.nodelay", "true"); // as the command line serves
        List<Integer> numbers;
        try {
            numbers = List.of(args).subList(Math.min(1, args.length), args.length).stream().map(Integer::parseInt).toList();
        } catch (NumberFormatException _) {
            numbers = List.of();
        }
        boolean load = args.length == 4 && args[0].equals("load");
        if (!load && !(args.length == 2 && args[0].equals("first-byte")) || numbers.isEmpty() || numbers.stream().anyMatch(n -> n < 1)) {
            System.err.println("the arguments are " + USAGE + ", numbers of at least 1");
            return 2;
        }
        JsonObject row = load ? load(numbers.get(0), numbers.get(1), numbers.get(2)) : firstByte(numbers.get(0));
        row.addProperty("load_average", rounded(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage()));
        row.addProperty("hardware", Provenance.hardware());
        row.addProperty("jdk", Provenance.jdk());
        row.addProperty("command", "java " + (MODEL.equals(Models.DEMO) ? "" : "-Dmodel=FILE ") + "-jar jmh/target/benchmarks.jar server " + String.join(" ", args));
        out.println(row);
        return 0;
    }

    private static LLM open(int sequences) {
        return Models.load(MODEL).maxSequences(Math.clamp(sequences, USUAL_SEQUENCES, MOST_SEQUENCES)).open();
    }

    private static LlmServer serve(LLM llm) throws IOException {
        return LlmServer.builder().model(Models.DEMO, llm).port(0).accessLog(_ -> { }).start();
    }

    private static JsonObject row(String benchmark) {
        var row = new JsonObject();
        row.addProperty("date", LocalDate.now(ZoneOffset.UTC).toString());
        row.addProperty("commit", Provenance.commit());
        row.addProperty("benchmark", benchmark);
        row.addProperty("model", Path.of(MODEL).getFileName().toString());
        return row;
    }

    private static JsonObject load(int clients, int seconds, int rounds) throws IOException, InterruptedException, ExecutionException {
        Set<String> threads = threads();
        var engine = new ArrayList<Load>();
        var served = new ArrayList<Load>();
        var cpu = new ArrayList<Double>();
        int pages;
        try (LLM llm = open(clients)) {
            try (LlmServer server = serve(llm); var process = new ClientProcess(server.port())) {
                Load.of(llm, clients, WARM_UP_SECONDS);
                process.load(clients, WARM_UP_SECONDS);
                for (int i = 0; i < rounds; i++) {
                    engine.add(Load.of(llm, clients, seconds));
                    double before = Load.processMillis();
                    Load load = process.load(clients, seconds);
                    cpu.add((Load.processMillis() - before) / load.tokens());
                    served.add(load);
                }
            }
            pages = llm.metrics().usedKvBlocks();
        }
        JsonObject row = row("server.Load");
        row.addProperty("clients", clients);
        row.addProperty("seconds", seconds);
        double ours = median(served, Load::tokensPerSecond);
        double engines = median(engine, Load::tokensPerSecond);
        row.addProperty("server_tokens_per_s", rounded(ours));
        row.addProperty("engine_tokens_per_s", rounded(engines));
        row.addProperty("ratio", rounded(ours / engines));
        double serverCpu = FirstByte.median(cpu.stream().mapToDouble(Double::doubleValue).toArray());
        double engineCpu = median(engine, Load::cpuPerToken);
        row.addProperty("cpu_ms_per_token", rounded(serverCpu));
        row.addProperty("engine_cpu_ms_per_token", rounded(engineCpu));
        row.addProperty("client_cpu_ms_per_token", rounded(median(served, Load::cpuPerToken)));
        row.addProperty("cpu_ratio", rounded(engineCpu / serverCpu));
        row.addProperty("first_token_p50_ms", rounded(median(served, l -> l.firstMillis(0.5))));
        row.addProperty("first_token_p99_ms", rounded(median(served, l -> l.firstMillis(0.99))));
        row.addProperty("engine_first_token_p99_ms", rounded(median(engine, l -> l.firstMillis(0.99))));
        row.addProperty("requests", served.stream().mapToInt(l -> l.firstNanos().length).sum());
        row.addProperty("lost", served.stream().mapToInt(Load::lost).sum());
        row.addProperty("leaked_pages", pages);
        row.addProperty("threads_left", threads().stream().filter(t -> !threads.contains(t)).count());
        var runs = new JsonObject();
        runs.add("server", array(served, Load::tokensPerSecond));
        runs.add("engine", array(engine, Load::tokensPerSecond));
        runs.add("server_cpu_ms", array(cpu, c -> c));
        runs.add("engine_cpu_ms", array(engine, Load::cpuPerToken));
        row.add("runs", runs);
        row.addProperty("how", "engine and server in turn, " + rounds + " rounds, medians; clients of the engine in its JVM, those of the server in one of"
                + " their own, whose processor time is not in cpu_ms_per_token; answers of " + Load.TOKENS + " tokens");
        return row;
    }

    private static double median(List<Load> loads, ToDoubleFunction<Load> figure) {
        return FirstByte.median(loads.stream().mapToDouble(figure).toArray());
    }

    private static <T> JsonArray array(List<T> loads, ToDoubleFunction<T> figure) {
        var array = new JsonArray();
        loads.forEach(l -> array.add(rounded(figure.applyAsDouble(l))));
        return array;
    }

    /** Threads that are not the JVM's own pools, by name and number. */
    private static Set<String> threads() {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t.getThreadGroup() != null && !t.getThreadGroup().getName().equals("InnocuousThreadGroup"))
                .map(t -> t.getName() + " " + t.threadId()).filter(t -> !t.startsWith("ForkJoinPool")).collect(Collectors.toSet());
    }

    private static JsonObject firstByte(int calls) throws IOException, InterruptedException, ExecutionException {
        FirstByte found;
        try (LLM llm = open(1); LlmServer server = serve(llm)) {
            FirstByte.of(llm, server, WARM_UP_CALLS);
            found = FirstByte.of(llm, server, calls);
        }
        JsonObject row = row("server.FirstByte");
        row.addProperty("calls", calls);
        row.addProperty("server_first_ms", rounded(found.server()));
        row.addProperty("engine_first_ms", rounded(found.engine()));
        row.addProperty("overhead_ms", rounded(found.server() - found.engine()));
        row.addProperty("how", "llm.stream and the server over a kept connection in turn, medians");
        return row;
    }

    private static double rounded(double value) {
        return Math.rint(value * 1000) / 1000;
    }
}
