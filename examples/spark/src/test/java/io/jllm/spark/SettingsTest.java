package io.jllm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.SamplingParams;
import io.jllm.chat.Message;
import io.jllm.demo.DemoModel;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What people write is read, or refused by its name. No Spark runs. */
class SettingsTest {
    private static final String MODEL = DemoModel.path().toString();

    private static void refused(String words, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(words), message);
    }

    private static BatchOptions parse(String... more) {
        String[] args = new String[more.length + 4];
        System.arraycopy(new String[] {"--in", "a.jsonl.gz", "--out", "answers"}, 0, args, 0, 4);
        System.arraycopy(more, 0, args, 4, more.length);
        return BatchOptions.parse(args, UnaryOperator.identity());
    }

    @Test
    void parameters() {
        SamplingParams p = Parameters.read("{\"temperature\": 0.5, \"top_k\": -1, \"max_tokens\": 7, \"stop\": [\"a\", \"b\"], \"seed\": -3, "
                + "\"min_p\": null, \"ignore_eos\": true, \"stop_token_ids\": [1]}", SamplingParams.builder().topK(9).minP(0.25).build());
        assertEquals(0.5f, p.temperature());
        assertEquals(0, p.topK());
        assertEquals(0.25f, p.minP());
        assertEquals(7, p.maxTokens().orElseThrow());
        assertEquals(List.of("a", "b"), p.stop());
        assertEquals(OptionalLong.of(-3), p.seed());
        assertTrue(p.ignoreEos());
        for (Map.Entry<String, String> e : Map.of("{\"best_of\": 2}", "there is no parameter best_of", "{\"temperature\": \"1\"}", "must be a number",
                "{\"max_tokens\": 1.5}", "must be a whole number", "{\"max_tokens\": 3000000000}", "must be a whole number in", "{\"stop\": [1]}", "stop is",
                "[]", "no JSON object", "{} {}", "no JSON", "{a: 1}", "no JSON", "{\"ignore_eos\": 1}", "true or false",
                "{\"temperature\": -1}", "temperature").entrySet()) {
            refused(e.getValue(), () -> Parameters.read(e.getKey(), SamplingParams.neutral()));
        }
    }

    @Test
    void conversations() {
        assertEquals(List.of(Message.system("a"), Message.user("b"), Message.assistant("c").withReasoning("d")), Conversations.read(
                "[{\"role\": \"system\", \"content\": \"a\"}, {\"role\": \"user\", \"content\": \"b\", \"name\": null}, "
                        + "{\"role\": \"assistant\", \"content\": \"c\", \"reasoning_content\": \"d\"}]"));
        for (Map.Entry<String, String> e : Map.of("{}", "no array", "[]", "no array", "[1]", "message 0 is no object", "[{\"role\": \"x\"}]", "the role \"x\"",
                "[{\"role\": \"user\"}]", "no content", "[{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]", "no string",
                "[{\"role\": \"assistant\", \"tool_calls\": [{}]}]", "tool_calls, which is not supported").entrySet()) {
            refused(e.getValue(), () -> Conversations.read(e.getKey()));
        }
    }

    @Test
    void options() {
        BatchOptions o = parse("--prompt-column", "p", "--params", "{\"top_p\": 0.5}", "--sort-by-prefix", "--partitions", "3");
        assertEquals(FileFormat.JSONL, o.inFormat());
        assertEquals(FileFormat.PARQUET, o.outFormat());
        assertEquals(Inference.prompts("id", "p").withParams("{\"top_p\": 0.5}"), o.inference());
        assertEquals(Optional.of(3), o.partitions());
        assertTrue(o.sortByPrefix());
        assertEquals(Inference.messages("n", "m").withChatml().withSchema("{}"), parse("--messages-column", "m", "--id-column", "n", "--chatml",
                "--schema", "{}").inference());
        assertEquals(Inference.embeddings("id", "p").withDimensions(4), parse("--prompt-column", "p", "--embed", "--dimensions", "4").inference());
        refused("there is no option --prompt", () -> parse("--prompt", "p"));
        refused("--params needs a value", () -> parse("--params"));
        refused("given twice", () -> parse("--chatml", "--chatml"));
        refused("one of --prompt-column and --messages-column", () -> parse());
        refused("one of --prompt-column and --messages-column", () -> parse("--prompt-column", "a", "--messages-column", "b"));
        refused("--partitions is 0", () -> parse("--prompt-column", "p", "--partitions", "0"));
        refused("csv cannot hold vectors", () -> parse("--prompt-column", "p", "--embed", "--out-format", "csv"));
        refused("leave parameters and schema out", () -> parse("--prompt-column", "p", "--embed", "--params", "{\"top_p\": 1}"));
        refused("dimensions are for vectors", () -> parse("--prompt-column", "p", "--dimensions", "3"));
        refused("there is no parameter x", () -> parse("--prompt-column", "p", "--params", "{\"x\": 1}"));
        refused("--out-format is xml", () -> parse("--prompt-column", "p", "--out-format", "xml"));
        refused("does not tell its format", () -> BatchOptions.parse(new String[] {"--in", "a", "--out", "b"}, UnaryOperator.identity()));
        refused("option --out is needed", () -> BatchOptions.parse(new String[] {"--in", "a.csv"}, UnaryOperator.identity()));
    }

    @Test
    void engines() {
        refused("no model is named", () -> new EngineSettings(Map.of()));
        refused("there is no setting spark.jllm.models", () -> new EngineSettings(Map.of("models", "x")));
        refused("spark.jllm.threads is many", () -> new EngineSettings(Map.of("model", MODEL, "threads", "many")).open(List.of(), Optional.empty()));
        refused("spark.jllm.prefixCache is yes", () -> new EngineSettings(Map.of("model", MODEL, "prefixCache", "yes")).open(List.of(), Optional.empty()));
        EngineSettings plain = new EngineSettings(Map.of("model", MODEL));
        refused("2 GPUs, [0, 1]", () -> plain.open(List.of("0", "1"), Optional.empty()));
        refused("GPU-8a3f", () -> plain.open(List.of("GPU-8a3f"), Optional.empty()));
        assertTrue(assertThrows(RuntimeException.class, () -> plain.open(List.of("0"), Optional.empty())).getMessage().contains("cuda"));
        refused("the cpu backend has one device, 0, not 3", () -> new EngineSettings(Map.of("model", MODEL, "backend", "cpu", "device", "3"))
                .open(List.of(), Optional.empty()));
        try (var llm = plain.open(List.of(), Optional.of(1))) {
            assertTrue(llm.describe().contains("1 thread"), llm.describe());
        }
    }

    @Test
    void seeds() {
        var seeds = new HashSet<Long>();
        for (int i = 0; i < 100_000; i++) {
            seeds.add(RowRequests.seed(0, "row " + i));
            seeds.add(RowRequests.seed(1, "row " + i));
        }
        assertEquals(200_000, seeds.size());
        assertEquals(RowRequests.seed(7, "\u00e4"), RowRequests.seed(7, "\u00e4"));
        assertNotEquals(RowRequests.seed(7, "ab"), RowRequests.seed(7, "ba"));
    }
}
