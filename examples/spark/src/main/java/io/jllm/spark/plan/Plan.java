package io.jllm.spark.plan;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Simulates jobs of several sizes, and writes a line of JSON each: {@code Plan --rates FILE --label LABEL --out FILE [--NAME VALUE ...]}. What is not
 * given is as {@link #DEFAULTS} has it; {@code executors}, {@code rows-per-executor} and {@code rows-per-partition} take several values, parted by
 * commas, and every combination is simulated.
 */
public final class Plan {
    private static final System.Logger LOG = System.getLogger("io.jllm");
    /** Settings by name. Those of machines are guesses to be replaced by what is known of one's own. */
    static final Map<String, String> DEFAULTS = Map.ofEntries(Map.entry("rates", ""), Map.entry("label", ""), Map.entry("out", ""),
            Map.entry("executors", "1,10,100,1000,10000"), Map.entry("rows-per-executor", "20000"), Map.entry("rows-per-partition", "50,200,500,2000"),
            Map.entry("prompt-tokens", "300"), Map.entry("output-tokens", "150"), Map.entry("spread", "0.8"), Map.entry("max-tokens", "1000"),
            Map.entry("tasks", "4"), Map.entry("max-sequences", "64"), Map.entry("start", "30"), Map.entry("load", "20"),
            Map.entry("start-spread", "0.4"), Map.entry("slow-part", "0.02"), Map.entry("slow-factor", "2"), Map.entry("failures-per-hour", "0.005"),
            Map.entry("driver", "0.001"), Map.entry("task", "0.3"), Map.entry("seed", "1"));

    private final Map<String, String> given = new TreeMap<>(DEFAULTS);

    private Plan(String[] args) {
        for (int i = 0; i < args.length; i += 2) {
            String name = args[i].startsWith("--") ? args[i].substring(2) : "";
            if (!DEFAULTS.containsKey(name) || i + 1 == args.length) {
                throw new IllegalArgumentException(args[i] + (DEFAULTS.containsKey(name) ? " needs a value" : " is no option; there are --"
                        + String.join(" --", new TreeMap<>(DEFAULTS).keySet())));
            }
            given.put(name, args[i + 1]);
        }
        for (String needed : List.of("rates", "label", "out")) {
            if (given.get(needed).isEmpty()) {
                throw new IllegalArgumentException("option --" + needed + " is needed");
            }
        }
    }

    /**
     * Simulates and writes.
     *
     * @throws IOException if a file cannot be read or written
     * @throws IllegalArgumentException if an option is unknown, missing or out of range
     */
    public static void main(String... args) throws IOException {
        new Plan(args).run();
    }

    private void run() throws IOException {
        EngineRates rates = EngineRates.read(Path.of(given.get("rates")), given.get("label"));
        try (BufferedWriter out = Files.newBufferedWriter(Path.of(given.get("out")))) {
            for (int executors : several("executors")) {
                for (int rows : several("rows-per-executor")) {
                    for (int part : several("rows-per-partition")) {
                        Forecast forecast = Simulation.run(rates, workload((long) rows * executors), cluster(executors), part);
                        out.write(forecast.json() + "\n");
                        LOG.log(System.Logger.Level.INFO, "{0} executors, partitions of {1} rows: {2} s", executors, part, forecast.seconds());
                    }
                }
            }
        }
    }

    private Workload workload(long rows) {
        return new Workload(rows, whole("prompt-tokens"), whole("output-tokens"), number("spread"), whole("max-tokens"), whole("seed"));
    }

    private Cluster cluster(int executors) {
        return new Cluster(executors, whole("tasks"), whole("max-sequences"), number("start"), number("load"), number("start-spread"),
                number("slow-part"), number("slow-factor"), number("failures-per-hour"), number("driver"), number("task"), whole("seed"));
    }

    private List<Integer> several(String name) {
        return Arrays.stream(given.get(name).split(",")).map(v -> whole(name, v)).toList();
    }

    private int whole(String name) {
        return whole(name, given.get(name));
    }

    private static int whole(String name, String value) {
        try {
            return Integer.parseInt(value.strip());
        } catch (NumberFormatException _) {
            throw new IllegalArgumentException("--" + name + " is " + value + "; it must be a whole number");
        }
    }

    private double number(String name) {
        try {
            return Double.parseDouble(given.get(name).strip());
        } catch (NumberFormatException _) {
            throw new IllegalArgumentException("--" + name + " is " + given.get(name) + "; it must be a number");
        }
    }
}
