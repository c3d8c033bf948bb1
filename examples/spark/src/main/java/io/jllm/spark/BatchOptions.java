package io.jllm.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * What {@link BatchInference} is told on its command line.
 *
 * @param in where the rows are: a file, a folder, or a pattern, in any file system that Spark reads
 * @param out the folder of the answers
 * @param inFormat how the rows are written
 * @param outFormat how the answers are
 * @param model of each executor; empty where {@code spark.jllm.model} says it
 * @param inference what is asked of it
 * @param partitions in how many parts the work is cut; empty: by {@code rowsPerPartition}
 * @param rowsPerPartition rows of a part
 * @param sortByPrefix whether rows that begin alike are put beside each other
 */
record BatchOptions(String in, String out, FileFormat inFormat, FileFormat outFormat, Optional<String> model, Inference inference,
                    Optional<Integer> partitions, int rowsPerPartition, boolean sortByPrefix) {
    private static final Set<String> VALUES = Set.of("--in", "--out", "--in-format", "--out-format", "--model", "--id-column", "--prompt-column",
            "--messages-column", "--params", "--params-column", "--schema", "--dimensions", "--partitions", "--rows-per-partition");
    private static final Set<String> FLAGS = Set.of("--embed", "--chatml", "--sort-by-prefix");
    private static final int ROWS = 500;

    /** Checks what goes together. */
    BatchOptions {
        if (inference.task() == Inference.Task.EMBED && outFormat == FileFormat.CSV) {
            throw new IllegalArgumentException("--out-format csv cannot hold vectors; write parquet or jsonl");
        }
    }

    /**
     * @param readSchema gives the text of the file that {@code --schema} names
     * @throws IllegalArgumentException if something is unknown, missing or out of range
     */
    static BatchOptions parse(String[] args, UnaryOperator<String> readSchema) {
        Map<String, String> given = given(args);
        String in = needed(given, "--in");
        String out = needed(given, "--out");
        return new BatchOptions(in, out, FileFormat.of(Optional.ofNullable(given.get("--in-format")), in, "--in-format"),
                FileFormat.of(Optional.ofNullable(given.get("--out-format")).or(() -> Optional.of("parquet")), out, "--out-format"),
                Optional.ofNullable(given.get("--model")), inference(given, readSchema), positive(given, "--partitions"),
                positive(given, "--rows-per-partition").orElse(ROWS), given.containsKey("--sort-by-prefix"));
    }

    private static Map<String, String> given(String[] args) {
        var given = new TreeMap<String, String>();
        List<String> left = new ArrayList<>(Arrays.asList(args));
        while (!left.isEmpty()) {
            String name = left.removeFirst();
            if (!FLAGS.contains(name) && !VALUES.contains(name)) {
                var known = new ArrayList<>(VALUES);
                known.addAll(FLAGS);
                throw new IllegalArgumentException("there is no option " + name + "; there are " + String.join(" ", known.stream().sorted().toList()));
            }
            if (VALUES.contains(name) && left.isEmpty()) {
                throw new IllegalArgumentException("option " + name + " needs a value");
            }
            String before = given.put(name, VALUES.contains(name) ? left.removeFirst() : "");
            if (before != null) {
                throw new IllegalArgumentException("option " + name + " is given twice");
            }
        }
        return given;
    }

    private static String needed(Map<String, String> given, String name) {
        return Optional.ofNullable(given.get(name)).orElseThrow(() -> new IllegalArgumentException("option " + name + " is needed"));
    }

    private static Optional<Integer> positive(Map<String, String> given, String name) {
        return Optional.ofNullable(given.get(name)).map(v -> {
            if (!v.matches("[1-9]\\d{0,8}")) {
                throw new IllegalArgumentException(name + " is " + v + "; it must be a whole number of at least 1");
            }
            return Integer.valueOf(v);
        });
    }

    private static Inference inference(Map<String, String> given, UnaryOperator<String> readSchema) {
        String id = given.getOrDefault("--id-column", "id");
        Optional<String> prompt = Optional.ofNullable(given.get("--prompt-column"));
        Optional<String> messages = Optional.ofNullable(given.get("--messages-column"));
        if (prompt.isPresent() == messages.isPresent()) {
            throw new IllegalArgumentException("give one of --prompt-column and --messages-column");
        }
        boolean embed = given.containsKey("--embed");
        if (embed && messages.isPresent()) {
            throw new IllegalArgumentException("--embed makes vectors of texts: name their column by --prompt-column");
        }
        Inference.Task task = embed ? Inference.Task.EMBED : prompt.isPresent() ? Inference.Task.GENERATE : Inference.Task.CHAT;
        return new Inference(task, id, prompt.or(() -> messages).get(), given.getOrDefault("--params", "{}"),
                Optional.ofNullable(given.get("--params-column")), Optional.ofNullable(given.get("--schema")).map(readSchema),
                given.containsKey("--chatml"), positive(given, "--dimensions").orElse(0));
    }
}
