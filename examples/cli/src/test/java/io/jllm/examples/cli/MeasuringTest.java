package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code perplexity} and {@code bench} on the demo model. */
class MeasuringTest {
    @TempDir
    private Path folder;

    /** Against the same sum by way of the raw log-probability after each prefix: one request a scored token. */
    @Test
    void perplexity() throws Exception {
        Path text = Files.writeString(folder.resolve("t.txt"),
                "The old king lived in a castle by the sea, and every morning he walked along the shore with his dog.");
        int[] tokens = Arrays.stream(CliRun.good("tokenize", "--whole", "--text-file", text.toString()).strip().split(" "))
                .mapToInt(Integer::parseInt).toArray();
        int n = 8;
        assertTrue(tokens.length >= 2 * n, "the text has " + tokens.length + " tokens");
        double sum = 0;
        int count = 0;
        try (LLM llm = LLM.load(DemoModel.path()).open()) {
            for (int window = 0; window < tokens.length / n; window++) {
                int[] ids = Arrays.copyOfRange(tokens, window * n, (window + 1) * n);
                ids[0] = 0;
                for (int i = n / 2 + 1; i < n; i++) {
                    sum -= logprob(llm, Arrays.copyOf(ids, i), ids[i]);
                    count++;
                }
            }
        }
        JsonObject json = CliRun.json("perplexity", "--text", text.toString(), "--context", "8", "--json");
        assertEquals(Set.of("perplexity", "tokens"), json.keySet());
        assertEquals(count, json.get("tokens").getAsInt());
        assertEquals(Math.exp(sum / count), json.get("perplexity").getAsDouble(), 1e-3 * Math.exp(sum / count));
    }

    /** Of the token after a prefix, by allowing no other. */
    private static double logprob(LLM llm, int[] before, int id) {
        SamplingParams only = SamplingParams.greedy().toBuilder().maxTokens(1).allowedTokenIds(Set.of(id)).build();
        return llm.generate(List.of(new Request(Prompt.ofTokens(before), only))).getFirst().outputs().getFirst().logprobs()
                .getFirst().logprob();
    }

    @Test
    void perplexityNeedsTwoWindows() throws Exception {
        Path text = Files.writeString(folder.resolve("t.txt"), "The king and the queen");
        CliRun run = CliRun.of("perplexity", "--text", text.toString(), "--context", "64", "--json");
        assertEquals(2, run.code());
        assertEquals("", run.out());
        assertTrue(run.err().contains("at least 128 tokens"), run.err());
        assertTrue(CliRun.bad(2, "perplexity", "--text", text.toString(), "--context", "2")
                .contains("--context must be at least 4"));
    }

    /** A base file is read back: the same model is no way off, another only a little; and the sum is that of one pass over prompts. */
    @Test
    void divergence() throws Exception {
        Path text = Files.writeString(folder.resolve("t.txt"), "The old king lived in a castle by the sea, and every morning he walked. ".repeat(12));
        String base = folder.resolve("base.kld").toString();
        String[] measure = {"perplexity", "--text", text.toString(), "--context", "32", "--chunks", "4", "--json"};
        double perplexity = CliRun.json(measure).get("perplexity").getAsDouble();
        JsonObject written = CliRun.json(with(measure, "--kl-divergence-base", base));
        assertEquals(perplexity, written.get("perplexity").getAsDouble(), 1e-6 * perplexity);
        assertEquals(4 * 15, written.get("tokens").getAsInt());
        int vocab;
        try (LLM llm = LLM.load(DemoModel.path()).open()) {
            vocab = llm.config().vocab();
        }
        assertEquals(20 + 4 * 4 * 32 + 4 * 15 * (8L + 4 * Math.ceilDiv(vocab, 2)), Files.size(Path.of(base)));
        assertTrue(Files.notExists(folder.resolve("base.kld.part")));

        String[] compare = {"perplexity", "--kl-divergence", "--kl-divergence-base", base, "--json"};
        JsonObject same = CliRun.json(compare);
        assertEquals(perplexity, same.get("perplexity").getAsDouble(), 1e-6 * perplexity);
        assertEquals(perplexity, same.get("base_perplexity").getAsDouble(), 1e-3 * perplexity);
        assertEquals(1, same.get("same_top").getAsDouble());
        assertEquals(0, same.get("kl_divergence").getAsDouble(), 1e-5);
        JsonObject exact = CliRun.json(with(compare, "--activations", "float"));
        double divergence = exact.get("kl_divergence").getAsDouble();
        assertTrue(divergence > 1e-5 && divergence < 0.01, exact.toString());
        assertTrue(exact.get("same_top").getAsDouble() > 0.8, exact.toString());
        assertTrue(CliRun.good("perplexity", "--kl-divergence", "--kl-divergence-base", base).contains("KL divergence: mean "));

        assertTrue(CliRun.bad(2, with(compare, "--text", text.toString())).contains("leave --text"));
        assertTrue(CliRun.bad(2, "perplexity", "--kl-divergence").contains("--kl-divergence-base"));
        assertTrue(CliRun.bad(2, "perplexity").contains("--text is missing"));
        byte[] all = Files.readAllBytes(Path.of(base));
        Files.write(Path.of(base), Arrays.copyOf(all, all.length - 1));
        assertTrue(CliRun.bad(2, compare).contains("was not written to its end"));
        Files.write(Path.of(base), Arrays.copyOf(all, 19));
        assertTrue(CliRun.bad(2, compare).contains("ends at byte 19"));
        all[0] = 0;
        Files.write(Path.of(base), all);
        assertTrue(CliRun.bad(2, compare).contains("holds no log-probabilities"));
    }

    private static String[] with(String[] words, String... more) {
        return Stream.concat(Arrays.stream(words), Arrays.stream(more)).toArray(String[]::new);
    }

    @Test
    void bench() {
        JsonObject json = CliRun.json("bench", "--prompt-tokens", "24", "--generate-tokens", "6", "--batch", "3", "--depth", "40",
                "--repetitions", "2", "--json");
        assertEquals(Set.of("pp", "tg", "batch", "depth", "load_ms", "first_token_ms", "peak_rss_mib", "backend", "kernels"),
                json.keySet());
        for (String positive : new String[] {"pp", "tg", "load_ms", "first_token_ms"}) {
            assertTrue(json.get(positive).getAsDouble() > 0, json.toString());
        }
        assertEquals(3, json.get("batch").getAsInt());
        assertEquals(40, json.get("depth").getAsInt());
        assertEquals("cpu", json.get("backend").getAsString());
    }

    @Test
    void benchProfiles() {
        String[] words = {"bench", "--profile", "--prompt-tokens", "24", "--generate-tokens", "6"};
        JsonObject json = CliRun.json(with(words, "--batch", "2", "--json"));
        assertEquals(Set.of("prompt", "generation"), json.keySet());
        JsonObject generation = json.getAsJsonObject("generation");
        assertTrue(generation.get("steps").getAsInt() >= 5, json.toString());
        double sum = 0;
        for (JsonElement kernel : generation.getAsJsonArray("kernels")) {
            sum += kernel.getAsJsonObject().get("us").getAsDouble();
        }
        assertEquals(generation.get("us").getAsDouble(), sum, 1, "all of them together");
        String text = CliRun.good(words);
        assertTrue(text.startsWith("prompts: ") && text.contains("generation: ") && text.contains("AttentionOp"), text);
        assertTrue(CliRun.bad(2, "bench", "--profile", "--clients", "2").contains("--profile cannot be combined"));
    }

    @Test
    void benchLeavesOutWhatIsZero() {
        JsonObject json = CliRun.json("bench", "--prompt-tokens", "0", "--generate-tokens", "3", "--repetitions", "1", "--json");
        assertTrue(json.get("pp").isJsonNull());
        assertTrue(json.get("tg").getAsDouble() > 0);
        String text = CliRun.good("bench", "--prompt-tokens", "8", "--generate-tokens", "0", "--repetitions", "1");
        assertTrue(text.startsWith("pp8 ") && !text.contains("tg"), text);
    }

    @Test
    void benchOfCallers() {
        JsonObject json = CliRun.json("bench", "--prompt-tokens", "20", "--generate-tokens", "5", "--clients", "3", "--depth", "33",
                "--repetitions", "2", "--json");
        assertEquals(Set.of("pp", "tg", "batch", "depth", "load_ms", "first_token_ms", "peak_rss_mib", "backend", "kernels", "clients",
                "requests", "tokens_per_s", "requests_per_s", "ttft_ms", "inter_token_ms", "unfilled_kv"), json.keySet());
        assertEquals(3, json.get("clients").getAsInt());
        assertEquals(6, json.get("requests").getAsInt());
        assertEquals(json.get("tg"), json.get("tokens_per_s"));
        assertTrue(json.get("pp").getAsDouble() > 0, json.toString());
        assertEquals(json.get("tg").getAsDouble() / 5, json.get("requests_per_s").getAsDouble(), 0.01);
        for (String latency : new String[] {"ttft_ms", "inter_token_ms"}) {
            JsonObject l = json.getAsJsonObject(latency);
            assertTrue(l.get("p50").getAsDouble() > 0 && l.get("p50").getAsDouble() <= l.get("p90").getAsDouble()
                    && l.get("p90").getAsDouble() <= l.get("p99").getAsDouble()
                    && l.get("p99").getAsDouble() <= l.get("max").getAsDouble(), json.toString());
        }
    }

    @Test
    void benchOfRecordedRequests() throws Exception {
        Path file = Files.writeString(folder.resolve("r.jsonl"), """
                {"prompt": "Once", "max_tokens": 7, "ignore_eos": true}
                {"ids": [0, 5], "max_tokens": 3, "ignore_eos": true, "temperature": 1, "n": 2}
                {"prompt": "The king", "max_tokens": 4, "beams": 2}
                """);
        JsonObject json = CliRun.json("bench", "--requests", file.toString(), "--clients", "2", "--repetitions", "2", "--json");
        assertTrue(json.get("pp").isJsonNull() && json.get("tg").isJsonNull(), json.toString());
        assertEquals(6, json.get("requests").getAsInt());
        double texts = json.get("tokens_per_s").getAsDouble() / json.get("requests_per_s").getAsDouble();
        assertEquals((7 + 6 + 4) / 3.0, texts, 0.05);
        assertTrue(CliRun.good("bench", "--requests", file.toString(), "--repetitions", "1").startsWith("1 clients, 3 requests: "));
        Files.writeString(file, "{\"prompt\": \"Once\", \"ids\": [1]}");
        assertTrue(CliRun.bad(2, "bench", "--requests", file.toString()).contains("line 1"));
    }

    @Test
    void benchOfArrivals() throws Exception {
        Path file = Files.writeString(folder.resolve("r.jsonl"), "{\"prompt\": \"Once\", \"max_tokens\": 7, \"ignore_eos\": true}\n".repeat(8));
        JsonObject json = CliRun.json("bench", "--requests", file.toString(), "--rate", "50", "--repetitions", "2", "--json");
        assertEquals(Set.of("pp", "tg", "batch", "depth", "load_ms", "first_token_ms", "peak_rss_mib", "backend", "kernels", "rate",
                "requests", "tokens_per_s", "requests_per_s", "ttft_ms", "inter_token_ms", "unfilled_kv"), json.keySet());
        assertEquals(50, json.get("rate").getAsDouble());
        assertEquals(16, json.get("requests").getAsInt());
        double unfilled = json.get("unfilled_kv").getAsDouble();
        assertTrue(unfilled > 0 && unfilled < 1, json.toString());
        assertTrue(CliRun.good("bench", "--requests", file.toString(), "--rate", "50", "--repetitions", "1")
                .startsWith("50.00 requests/s arriving, 8 requests: "));
        assertTrue(CliRun.bad(2, "bench", "--requests", file.toString(), "--rate", "0").contains("--rate must be above 0"));
        assertTrue(CliRun.bad(2, "bench", "--requests", file.toString(), "--rate", "5", "--clients", "2").contains("--rate needs"));
        assertTrue(CliRun.bad(2, "bench", "--rate", "5").contains("--rate needs"));
    }

    @Test
    void soak() throws Exception {
        Path log = folder.resolve("soak.jsonl");
        JsonObject json = CliRun.json("soak", "--requests", "20", "--threads", "4", "--seed", "3", "--context", "64", "--log",
                log.toString(), "--json");
        for (String none : new String[] {"lost", "wrong", "leaked_pages", "threads_left"}) {
            assertEquals(0, json.get(none).getAsInt(), json.toString());
        }
        assertEquals(20, json.get("requests").getAsInt());
        assertEquals(20, json.get("finished").getAsInt());
        assertTrue(json.get("tokens_per_s").getAsDouble() > 0, json.toString());
        assertEquals(1 + 20 + 10, Files.readAllLines(log).size());
    }

    @Test
    void benchSaysWhatDoesNotFit() {
        CliRun run = CliRun.of("bench", "--prompt-tokens", "2000", "--repetitions", "1");
        assertEquals(2, run.code());
        assertEquals("", run.out());
        assertTrue(run.err().contains("2001 tokens") && run.err().contains("1024"), run.err());
    }
}
