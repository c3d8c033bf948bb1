package io.jllm.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.demo.DemoModel;
import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two executors that are processes of their own, each with an engine of the demo model. */
class ClusterTest {
    private static final StructType ROWS = new StructType().add("id", DataTypes.StringType).add("prompt", DataTypes.StringType)
            .add("params", DataTypes.StringType);
    private static final String PARAMS = "{\"temperature\": 0.8, \"max_tokens\": 12, \"seed\": 5}";
    private static final int COUNT = 60;
    private static final int PARTS = 6;

    @TempDir
    private static Path folder;
    private static SparkSession spark;

    @BeforeAll
    static void begin() throws IOException {
        spark = TestCluster.session("local-cluster[2,2,1024]", folder, 1).getOrCreate();
    }

    @AfterAll
    static void end() {
        spark.stop();
    }

    private static String prompt(int i) {
        return "Once upon a time there were " + i + " little goblins, and";
    }

    private static Dataset<Row> prompts() {
        return spark.createDataFrame(IntStream.range(0, COUNT).mapToObj(i -> RowFactory.create("row " + i, prompt(i), null)).toList(), ROWS)
                .repartition(PARTS);
    }

    private static Map<String, Row> byId(Dataset<Row> answers) {
        var rows = new HashMap<String, Row>();
        for (Row row : answers.collectAsList()) {
            assertNull(rows.put(row.getString(0), row), "an answer comes twice");
        }
        return rows;
    }

    /** What this process alone answers. */
    private static Map<String, RequestOutput> alone(int count) {
        var answers = new HashMap<String, RequestOutput>();
        try (LLM llm = LLM.load(DemoModel.path()).threads(2).open()) {
            for (int i = 0; i < count; i++) {
                var params = Parameters.read(PARAMS, llm.defaults()).toBuilder().seed(RowRequests.seed(5, "row " + i)).build();
                answers.put("row " + i, llm.generate(prompt(i), params));
            }
        }
        return answers;
    }

    private static void assertAnswers(Map<String, RequestOutput> expected, Map<String, Row> rows) {
        assertEquals(expected.keySet(), rows.keySet());
        expected.forEach((id, output) -> {
            Row row = rows.get(id);
            assertEquals(output.text(), row.getAs("text"));
            assertEquals(output.finishReason().name().toLowerCase(), row.getAs("finish_reason"));
            assertEquals(output.metrics().promptTokens(), row.<Integer>getAs("prompt_tokens"));
            assertEquals(output.metrics().generatedTokens(), row.<Integer>getAs("completion_tokens"));
            assertNull(row.getAs("error"));
        });
    }

    @Test
    void twoProcessesAnswerAsOne() {
        Set<Long> processes = new HashSet<>(spark.range(0, 64, 1, 64).map((MapFunction<Long, Long>) _ -> {
            JllmPlugin.llm().metrics();
            Thread.sleep(20); // so that one executor cannot take all
            return ProcessHandle.current().pid();
        }, Encoders.LONG()).collectAsList());
        assertEquals(2, processes.size());
        assertFalse(processes.contains(ProcessHandle.current().pid()));
        assertAnswers(alone(COUNT), byId(Inference.prompts("id", "prompt").withParams(PARAMS).apply(prompts())));
    }

    /** One task of many ends its executor in the midst of its rows: Spark starts another, and no row is lost or answered otherwise. */
    @Test
    void aKilledExecutorLosesNoRow() {
        String died = folder.resolve("died").toString();
        Dataset<Row> deadly = prompts().map((MapFunction<Row, Row>) row -> {
            if (row.getString(0).equals("row 31") && first(died)) {
                Runtime.getRuntime().halt(3);
            }
            return row;
        }, Encoders.row(ROWS));
        assertAnswers(alone(COUNT), byId(Inference.prompts("id", "prompt").withParams(PARAMS).apply(deadly)));
        assertTrue(Files.exists(Path.of(died)));
    }

    private static boolean first(String mark) throws IOException {
        try {
            Files.createFile(Path.of(mark));
            return true;
        } catch (FileAlreadyExistsException _) {
            return false;
        }
    }

    @Test
    void aPoisonedRowFailsAlone() {
        List<Row> rows = List.of(RowFactory.create("row 0", prompt(0), null), RowFactory.create("null", null, null),
                RowFactory.create("long", "goblin ".repeat(5000), null), RowFactory.create("params", prompt(1), "{\"top_q\": 1}"),
                RowFactory.create("range", prompt(1), "{\"temperature\": -1}"), RowFactory.create("none", prompt(1), "temperature=1"),
                RowFactory.create("row 1", prompt(1), null));
        Map<String, Row> answers = byId(Inference.prompts("id", "prompt").withParams(PARAMS).withParamsColumn("params")
                .apply(spark.createDataFrame(rows, ROWS).coalesce(1)));
        Map.of("null", "column prompt is null", "long", "the context holds 1024", "params", "there is no parameter top_q", "range", "temperature",
                "none", "no JSON").forEach((id, error) -> {
            Row row = answers.remove(id);
            assertTrue(row.<String>getAs("error").contains(error), row.toString());
            assertEquals("error", row.getAs("finish_reason"));
            assertNull(row.getAs("text"));
        });
        assertAnswers(alone(2), answers);
    }

    @Test
    void conversationsAndTheirSchemas() {
        String asked = "[{\"role\": \"system\", \"content\": \"Be short.\"}, {\"role\": \"user\", \"content\": \"Who are you?\"}]";
        List<Row> rows = List.of(RowFactory.create("a", asked, null), RowFactory.create("b", "[]", null),
                RowFactory.create("c", "[{\"role\": \"tool\", \"content\": \"1\"}]", null));
        Inference inference = Inference.messages("id", "prompt").withChatml().withParams("{\"temperature\": 0, \"max_tokens\": 40}")
                .withSchema("{\"type\": \"object\", \"properties\": {\"old\": {\"type\": \"boolean\"}}, \"required\": [\"old\"], "
                        + "\"additionalProperties\": false}");
        Map<String, Row> answers = byId(inference.apply(spark.createDataFrame(rows, ROWS)));
        assertTrue(answers.get("a").<String>getAs("text").matches("\\{\\s*\"old\"\\s*:\\s*(true|false)\\s*}"), answers.get("a").toString());
        assertTrue(answers.get("b").<String>getAs("error").contains("at least one"));
        assertTrue(answers.get("c").<String>getAs("error").contains("the role \"tool\""));
        Dataset<Row> nested = spark.sql("select 7L as id, array(named_struct('role', 'user', 'content', 'Who are you?')) as prompt");
        Row one = inference.apply(nested).first();
        assertEquals(7L, one.getLong(0));
        assertNull(one.getAs("error"));
        Row without = Inference.messages("id", "prompt").apply(nested).first(); // the demo model has no template
        assertTrue(without.<String>getAs("error").contains("template"), without.toString());
    }

    @Test
    void vectorsAreThoseOfOneProcess() {
        Map<String, Row> rows = byId(Inference.embeddings("id", "prompt").withDimensions(8).apply(prompts()));
        try (LLM llm = LLM.load(DemoModel.path()).threads(2).open()) {
            for (int i = 0; i < COUNT; i++) {
                EmbeddingOutput alone = llm.embed(Prompt.all(prompt(i)), EmbeddingParams.defaults().withDimensions(8)).getFirst();
                List<Float> vector = rows.get("row " + i).getList(1);
                assertArrayEquals(alone.vector(), vector(vector));
            }
        }
    }

    private static float[] vector(List<Float> numbers) {
        float[] vector = new float[numbers.size()];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = numbers.get(i);
        }
        return vector;
    }

    @Test
    void aRunGoesOnWhereOneWasEnded() throws IOException {
        Path in = folder.resolve("in.jsonl");
        Files.write(in, IntStream.range(0, COUNT).mapToObj(i -> "{\"id\": \"row " + i + "\", \"prompt\": \"" + prompt(i) + "\"}").toList());
        Path out = folder.resolve("answers");
        String[] args = {"--in", in.toString(), "--out", out.toString(), "--prompt-column", "prompt", "--params", PARAMS, "--rows-per-partition", "10",
            "--sort-by-prefix"};
        BatchInference.Report whole = BatchInference.run(spark, args);
        assertEquals(COUNT, whole.rows());
        assertEquals(COUNT, whole.computed());
        assertEquals(0, whole.failed());
        Map<String, RequestOutput> expected = alone(COUNT);
        assertEquals(expected.values().stream().mapToLong(o -> o.metrics().generatedTokens()).sum(), whole.completionTokens());
        assertEquals(expected.values().stream().mapToLong(o -> o.metrics().promptTokens()).sum(), whole.promptTokens());
        assertAnswers(expected, byId(spark.read().parquet(out.toString())));

        List<Path> parts = parts(out);
        assertEquals(PARTS, parts.size());
        long lost = spark.read().parquet(parts.get(2).toString()).count() + spark.read().parquet(parts.get(4).toString()).count();
        for (int gone : new int[] {2, 4}) {
            Files.delete(parts.get(gone));
        }
        Files.createDirectories(out.resolve("_temporary/0/task_that_was_ended"));
        BatchInference.Report rest = BatchInference.run(spark, args);
        assertEquals(lost, rest.computed());
        assertEquals(COUNT, rest.rows());
        assertTrue(parts(out).containsAll(List.of(parts.get(0), parts.get(1), parts.get(3), parts.get(5))));
        assertAnswers(expected, byId(spark.read().parquet(out.toString())));
        assertEquals(0, BatchInference.run(spark, args).computed());

        args[7] = "{\"temperature\": 0.1}";
        assertTrue(assertThrows(IllegalArgumentException.class, () -> BatchInference.run(spark, args)).getMessage().contains("was begun with params"));
    }

    private static List<Path> parts(Path out) throws IOException {
        try (Stream<Path> files = Files.list(out)) {
            return files.filter(f -> f.getFileName().toString().startsWith("part-")).sorted().toList();
        }
    }

    @Test
    void formatsInAndOutHoldTheSame() throws IOException {
        String two = "two\nlines, \"quoted\"; \u00e4\u4e2d";
        Dataset<Row> rows = spark.createDataFrame(List.of(RowFactory.create("1", prompt(1), null), RowFactory.create("2", two, null),
                RowFactory.create("3", null, null)), ROWS).drop("params").coalesce(1);
        rows.write().parquet(folder.resolve("rows.parquet").toString());
        rows.write().json(folder.resolve("rows.jsonl").toString());
        rows.write().option("header", true).option("escape", "\"").csv(folder.resolve("rows.csv").toString());
        Set<List<Row>> all = new HashSet<>();
        for (String in : List.of("parquet", "jsonl", "csv")) {
            String out = folder.resolve("formats-" + in).toString();
            String[] args = {"--in", folder.resolve("rows." + in).toString(), "--out", out, "--out-format", in, "--prompt-column", "prompt",
                "--params", "{\"temperature\": 0, \"max_tokens\": 20, \"stop\": \" e\"}", "--partitions", "2"};
            assertEquals(new BatchInference.Report(3, 3, 1, 0, 0), counted(BatchInference.run(spark, args)));
            StructType schema = Inference.prompts("id", "prompt").schema(DataTypes.StringType);
            all.add(FileFormat.of(Optional.of(in), "", "").answers(spark, out, schema).drop("cached_tokens").orderBy("id").collectAsList());
        }
        assertEquals(1, all.size(), all.toString());
    }

    private static BatchInference.Report counted(BatchInference.Report r) {
        assertNotEquals(0, r.completionTokens());
        return new BatchInference.Report(r.rows(), r.computed(), r.failed(), 0, 0);
    }

    @Test
    void idsThatCannotTellRowsApartAreRefused() throws IOException {
        refused("twice.jsonl", "{\"id\": 1, \"prompt\": \"a\"}\n{\"id\": 1, \"prompt\": \"b\"}", "id 1 stands in 2 rows");
        refused("none.jsonl", "{\"id\": 1, \"prompt\": \"a\"}\n{\"prompt\": \"b\"}\nno JSON", "2 rows of ");
    }

    private static void refused(String name, String rows, String why) throws IOException {
        Path in = Files.writeString(folder.resolve(name), rows);
        String message = assertThrows(IllegalArgumentException.class, () -> BatchInference.run(spark, "--in", in.toString(), "--out",
                folder.resolve("out of " + name).toString(), "--prompt-column", "prompt")).getMessage();
        assertTrue(message.contains(why), message);
    }
}
