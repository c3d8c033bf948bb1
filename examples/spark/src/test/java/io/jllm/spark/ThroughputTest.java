package io.jllm.spark;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.batch.Results;
import io.jllm.demo.DemoModel;
import io.jllm.spark.plan.Cluster;
import io.jllm.spark.plan.EngineRates;
import io.jllm.spark.plan.Simulation;
import io.jllm.spark.plan.Workload;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.api.java.function.ForeachPartitionFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Measures two executors with an engine of one thread and two tasks each beside a loop in one JVM with two threads, by turns, on the demo
 * model, all of them loaded and warm; and what the simulation says of the executors by the rates of an engine of one thread. Adds a row to
 * {@code results/throughput.jsonl}. It judges nothing, and runs only where {@code -Djllm.throughput=ROWS} asks for it: 5000 take some
 * minutes of two processors that have nothing else to do.
 */
@EnabledIfSystemProperty(named = "jllm.throughput", matches = "\\d+", disabledReason = "-Djllm.throughput=ROWS measures so many rows")
class ThroughputTest {
    private static final Path RESULTS = Path.of("results", "throughput.jsonl");
    private static final int ROUNDS = 5;
    private static final int WARM_UPS = 2;
    private static final int TOKENS = 40;
    private static final int EXECUTORS = 2;
    private static final int ROWS_PER_PARTITION = 100;
    private static final int SEQUENCES = 64;
    private static final int EMPTY_TASKS = 2000;
    private static final StructType TYPE = new StructType().add("id", DataTypes.LongType).add("prompt", DataTypes.StringType);
    private static final SamplingParams PARAMS = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(TOKENS).build();

    private final int rows = Integer.getInteger("jllm.throughput", 0);
    private final int parts = Math.ceilDiv(rows, ROWS_PER_PARTITION);
    private SparkSession spark;

    @Test
    void besideALoop(@TempDir Path folder) throws IOException {
        spark = TestCluster.session("local-cluster[2,2,1024]", folder, 1).config("spark.executor.extraJavaOptions",
                "--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC").getOrCreate();
        try {
            Files.writeString(RESULTS, measure() + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } finally {
            spark.stop();
        }
    }

    private static String prompt(long i) {
        return "In the year " + (1000 + i) + " there lived a king who had " + i + " horses, and";
    }

    private JsonObject measure() throws IOException {
        var ours = new JsonArray();
        var loops = new JsonArray();
        double[] ratios = new double[ROUNDS];
        double[] seconds = new double[ROUNDS];
        double promptTokens;
        try (LLM llm = LLM.load(DemoModel.path()).threads(EXECUTORS).maxSequences(SEQUENCES).open()) {
            promptTokens = IntStream.range(0, rows).map(i -> llm.tokenizer().encode(prompt(i)).length).average().orElseThrow();
            for (int i = 0; i < WARM_UPS; i++) {
                executors();
                loop(llm);
            }
            for (int i = 0; i < ROUNDS; i++) {
                double mine = executors();
                double loop = loop(llm);
                ours.add(mine);
                loops.add(loop);
                seconds[i] = mine;
                ratios[i] = loop / mine;
            }
        }
        double driver = emptyTask();
        EngineRates rates = rates();
        var cluster = new Cluster(EXECUTORS, 2, SEQUENCES, 0, 0, 0, 0, 1, 0, driver, 0, 1);
        var workload = new Workload(rows, (int) Math.round(promptTokens), TOKENS, 0, TOKENS, 1);
        var row = new JsonObject();
        row.addProperty("date", LocalDate.now().toString());
        row.addProperty("model", DemoModel.NAME);
        row.addProperty("rows", rows);
        row.addProperty("how", "by turns; medians of the rounds and of their ratios; the engines loaded and warm");
        row.addProperty("partitions", parts);
        row.addProperty("prompt_tokens", promptTokens);
        row.addProperty("output_tokens", TOKENS);
        row.add("executors_s", ours);
        row.add("loop_s", loops);
        row.addProperty("throughput_ratio", median(ratios));
        row.addProperty("seconds", median(seconds));
        row.addProperty("simulated_s", Simulation.run(rates, workload, cluster, ROWS_PER_PARTITION).seconds());
        row.addProperty("empty_task_s", driver);
        row.addProperty("prompt_tokens_per_s", rates.promptTokensPerSecond());
        var batches = new JsonObject();
        rates.tokensPerSecond().forEach((batch, rate) -> batches.addProperty(batch.toString(), rate));
        row.add("tokens_per_s_by_batch", batches);
        row.addProperty("jdk", System.getProperty("java.vendor") + " " + Runtime.version());
        row.addProperty("hardware", Runtime.getRuntime().availableProcessors() + " processors");
        row.addProperty("commit", commit());
        row.addProperty("command", "mvn test -pl examples/spark -am -Dtest=ThroughputTest -Dsurefire.failIfNoSpecifiedTests=false -Djllm.throughput=" + rows);
        return row;
    }

    /** That of the checkout, with {@code -dirty} behind it where files were changed since. */
    private static String commit() throws IOException {
        Process git = new ProcessBuilder("git", "describe", "--always", "--dirty", "--exclude=*").redirectError(ProcessBuilder.Redirect.DISCARD).start();
        return new String(git.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** Seconds of a whole Spark job; a row is cut off where the loop's is. */
    private double executors() {
        Dataset<Row> prompts = spark.createDataFrame(IntStream.range(0, rows).mapToObj(i -> RowFactory.create((long) i, prompt(i))).toList(), TYPE)
                .repartition(parts).localCheckpoint();
        Inference inference = Inference.prompts("id", "prompt").withParams("{\"temperature\": 0, \"ignore_eos\": true, \"max_tokens\": " + TOKENS + "}");
        long start = System.nanoTime();
        long tokens = inference.apply(prompts).agg(functions.sum("completion_tokens")).first().getLong(0);
        check(tokens);
        return (System.nanoTime() - start) / 1e9;
    }

    private double loop(LLM llm) {
        llm.resetPrefixCache();
        long start = System.nanoTime();
        long tokens = 0;
        try (Results<RequestOutput> results = llm.generate(IntStream.range(0, rows).mapToObj(i -> Request.of(prompt(i), PARAMS)).iterator())) {
            while (results.hasNext()) {
                tokens += results.next().tokenIds().length;
            }
        }
        check(tokens);
        return (System.nanoTime() - start) / 1e9;
    }

    private void check(long tokens) {
        if (tokens != (long) rows * TOKENS) {
            throw new IllegalStateException(tokens + " tokens of " + (long) rows * TOKENS + " were generated");
        }
    }

    /** Seconds of a task that does nothing, of many: what the driver and the executors need for each. */
    private double emptyTask() {
        Dataset<Long> nothing = spark.range(0, EMPTY_TASKS, 1, EMPTY_TASKS);
        ForeachPartitionFunction<Long> pass = _ -> {
        };
        nothing.foreachPartition(pass);
        long start = System.nanoTime();
        nothing.foreachPartition(pass);
        return (System.nanoTime() - start) / 1e9 / EMPTY_TASKS;
    }

    private static EngineRates rates() {
        try (LLM llm = LLM.load(DemoModel.path()).threads(1).maxSequences(SEQUENCES).prefixCache(false).open()) {
            var byBatch = new TreeMap<Integer, Double>();
            Prompt one = Prompt.ofTokens(1);
            for (int batch : List.of(1, 8, SEQUENCES)) {
                List<Prompt> prompts = Collections.nCopies(batch, one);
                llm.generate(prompts, PARAMS);
                byBatch.put(batch, batch * TOKENS / seconds(() -> llm.generate(prompts, PARAMS)));
            }
            int[] ids = IntStream.range(0, 512).map(i -> 1 + i * 31 % 8000).toArray();
            List<Prompt> prompts = Collections.nCopies(8, Prompt.ofTokens(ids));
            SamplingParams first = PARAMS.toBuilder().maxTokens(1).build();
            llm.generate(prompts, first);
            return new EngineRates(DemoModel.NAME, prompts.size() * ids.length / seconds(() -> llm.generate(prompts, first)), byBatch);
        }
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }
}
