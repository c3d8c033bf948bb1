package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.jllm.LLM;
import io.jllm.SamplingParams;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Completions, embeddings, tokens, models, and what the server says of itself. */
class CompletionsTest {
    private static final String PATH = "/v1/completions";

    private static LLM llm;
    private static Served served;

    @BeforeAll
    static void open() throws IOException {
        llm = Served.demo();
        served = Served.with(llm, b -> b.alias("org/other", "demo"));
    }

    @AfterAll
    static void close() {
        served.close();
        llm.close();
    }

    private static List<String> texts(JsonObject reply) {
        return reply.getAsJsonArray("choices").asList().stream().map(c -> c.getAsJsonObject().get("text").getAsString()).toList();
    }

    @Test
    void givesWhatTheLibraryGives() throws Exception {
        SamplingParams params = llm.defaults().toBuilder().temperature(0.7).seed(42).maxTokens(16).build();
        String expected = llm.generate("Once upon a time", params).text();
        String body = "{\"model\":\"demo\",\"prompt\":\"Once upon a time\",\"temperature\":0.7,\"seed\":42";
        assertEquals(List.of(expected), texts(served.ask(PATH, body + "}")));
        String ids = Arrays.toString(llm.tokenizer().encode("Once upon a time"));
        assertEquals(List.of(expected, expected), texts(served.ask(PATH, "{\"prompt\":[" + ids + "," + ids + "],\"temperature\":0.7,\"seed\":42}")));
    }

    @Test
    void streamsSeveralPrompts() throws Exception {
        String body = "{\"prompt\":[\"The king\",\"The queen\"],\"n\":2,\"seed\":3,\"max_tokens\":9,\"echo\":true,\"stop\":[\"zzz\"]";
        List<String> whole = texts(served.ask(PATH, body + "}"));
        assertEquals(4, whole.size());
        assertTrue(whole.get(0).startsWith("The king") && whole.get(3).startsWith("The queen"), whole.toString());
        String[] streamed = {"", "", "", ""};
        int[] ends = new int[4];
        for (JsonObject chunk : served.events(PATH, body + ",\"stream\":true}", true)) {
            JsonObject choice = chunk.getAsJsonArray("choices").get(0).getAsJsonObject();
            streamed[choice.get("index").getAsInt()] += choice.get("text").getAsString();
            ends[choice.get("index").getAsInt()] += choice.get("finish_reason").isJsonNull() ? 0 : 1;
        }
        assertEquals(whole, List.of(streamed));
        assertArrayEquals(new int[] {1, 1, 1, 1}, ends);
    }

    /** Tokens that are there at once come together, each in an event of its own. */
    @Test
    void streamsWhatIsKnownAhead() throws Exception {
        String only = "a king and a queen who had no children at all";
        List<JsonObject> events = served.events("/v1/completions", "{\"prompt\":\"There were \",\"max_tokens\":60,\"stream\":true,\"guided_choice\":[\""
                + only + "\"]}", true);
        List<String> texts = events.stream().map(e -> e.getAsJsonArray("choices").get(0).getAsJsonObject().get("text").getAsString())
                .filter(t -> !t.isEmpty()).toList();
        assertEquals(only, String.join("", texts));
        assertTrue(texts.size() > 5, texts.toString());
    }

    @Test
    void scoresPrompts() throws Exception {
        String body = "{\"prompt\":\"Once upon a time\",\"echo\":true,\"logprobs\":2,\"max_tokens\":1,\"temperature\":0";
        JsonObject logprobs = served.ask(PATH, body + "}").getAsJsonArray("choices").get(0).getAsJsonObject().getAsJsonObject("logprobs");
        JsonArray tokens = logprobs.getAsJsonArray("tokens");
        JsonArray each = logprobs.getAsJsonArray("token_logprobs");
        assertEquals(llm.tokenizer().encode("Once upon a time").length + 1, tokens.size());
        assertTrue(each.get(0).isJsonNull());
        var expected = llm.generate("Once upon a time", SamplingParams.builder().temperature(0).maxTokens(1).promptLogprobs(2).build()).promptLogprobs();
        for (int i = 1; i < expected.size(); i++) {
            assertEquals(expected.get(i).logprob(), each.get(i).getAsFloat(), 1e-4f);
            JsonObject top = logprobs.getAsJsonArray("top_logprobs").get(i).getAsJsonObject();
            assertTrue(top.has(tokens.get(i).getAsString()), "the token itself is among them");
        }
        JsonObject none = served.ask(PATH, "{\"prompt\":\"Once\",\"echo\":true,\"logprobs\":1,\"max_tokens\":0}");
        assertEquals(List.of("Once"), texts(none));
        List<JsonObject> chunks = served.events(PATH, body + ",\"stream\":true}", true);
        assertEquals(tokens, chunks.getFirst().getAsJsonArray("choices").get(0).getAsJsonObject().getAsJsonObject("logprobs").getAsJsonArray("tokens"));
    }

    @Test
    void refusesByName() throws Exception {
        assertEquals("suffix", served.error(400, PATH, "{\"prompt\":\"a\",\"suffix\":\"b\"}").get("param").getAsString());
        assertEquals("best_of", served.error(400, PATH, "{\"prompt\":\"a\",\"best_of\":3}").get("param").getAsString());
        assertEquals("prompt", served.error(400, PATH, "{\"prompt\":[]}").get("param").getAsString());
        assertEquals("logprobs", served.error(400, PATH, "{\"prompt\":\"a\",\"logprobs\":21}").get("param").getAsString());
        assertTrue(served.error(400, PATH, "{\"prompt\":[999999]}").get("message").getAsString().contains("999999"));
        assertTrue(served.error(400, PATH, "{\"prompt\":\"a\",\"logit_bias\":{\"999999\":1}}").get("message").getAsString().contains("999999"));
        assertEquals("context_length_exceeded", served.error(400, PATH, "{\"prompt\":\"" + "word ".repeat(3000) + "\"}").get("code").getAsString());
    }

    @Test
    void embeds() throws Exception {
        float[] expected = llm.embed("a goose");
        JsonObject floats = served.ask("/v1/embeddings", "{\"model\":\"demo\",\"input\":[\"a goose\",\"a duck\"]}");
        JsonArray first = floats.getAsJsonArray("data").get(0).getAsJsonObject().getAsJsonArray("embedding");
        assertEquals(2, floats.getAsJsonArray("data").size());
        assertEquals(expected.length, first.size());
        JsonObject coded = served.ask("/v1/embeddings", "{\"input\":\"a goose\",\"encoding_format\":\"base64\"}");
        byte[] bytes = Base64.getDecoder().decode(coded.getAsJsonArray("data").get(0).getAsJsonObject().get("embedding").getAsString());
        var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], first.get(i).getAsFloat(), 1e-5f);
            assertEquals(expected[i], buffer.get(i), 1e-5f);
        }
        String many = "[" + "\"x\",".repeat(40) + "\"y\"]";
        assertEquals(41, served.ask("/v1/embeddings", "{\"input\":" + many + ",\"dimensions\":8}").getAsJsonArray("data").size());
        served.error(400, "/v1/embeddings", "{\"input\":\"x\",\"dimensions\":100000}");
        served.error(400, "/v1/embeddings", "{\"input\":{}}");
        assertEquals("context_length_exceeded", served.error(400, "/v1/embeddings", "{\"input\":[\"a\",\"" + "word ".repeat(3000) + "\"]}").get("code")
                .getAsString());
    }

    @Test
    void listsTokens() throws Exception {
        JsonObject reply = served.ask("/tokenize", "{\"prompt\":\"Once upon\",\"return_token_strs\":true}");
        int[] expected = llm.tokenizer().encode("Once upon");
        assertArrayEquals(expected, reply.getAsJsonArray("tokens").asList().stream().mapToInt(JsonElement::getAsInt).toArray());
        assertEquals(expected.length, reply.get("count").getAsInt());
        assertEquals(llm.maxContext(), reply.get("max_model_len").getAsInt());
        assertEquals("Once upon", served.ask("/detokenize", "{\"tokens\":" + reply.getAsJsonArray("tokens") + "}").get("prompt").getAsString());
        assertTrue(served.ask("/tokenize", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}").get("count").getAsInt() > 3);
        served.error(400, "/detokenize", "{\"tokens\":[999999]}");
        served.error(400, "/detokenize", "{\"tokens\":[-1]}");
    }

    @Test
    void tellsOfItself() throws Exception {
        String models = served.get("/v1/models").body();
        assertTrue(models.contains("\"demo\"") && models.contains("\"org/other\""), models);
        assertTrue(served.get("/v1/models/org/other").body().contains("\"root\":\"demo\""));
        assertEquals(404, served.get("/v1/models/none").statusCode());
        assertEquals(200, served.get("/health").statusCode());
        served.ask(PATH, "{\"prompt\":\"Once\",\"max_tokens\":3}");
        HttpResponse<String> metrics = served.get("/metrics");
        assertTrue(metrics.headers().firstValue("Content-Type").orElse("").startsWith("text/plain"));
        for (String name : List.of("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "prefix_cache_hits_total",
                "time_to_first_token_seconds_count", "e2e_request_latency_seconds_bucket")) {
            assertTrue(metrics.body().contains("vllm:" + name + "{model_name=\"demo\""), name);
        }
        assertTrue(metrics.body().lines().allMatch(l -> l.startsWith("# ") || l.matches("vllm:\\w+\\{[^}]*} [0-9.eE+-]+")), metrics.body());
        HttpResponse<String> page = served.get("/");
        assertTrue(page.body().contains("<!DOCTYPE html>") && page.headers().firstValue("Content-Security-Policy").isPresent());
        assertEquals(404, served.get("/../../module-info.class").statusCode());
        assertEquals(404, served.get("/nothing.html").statusCode());
        assertEquals(404, served.post("/nothing", "{}").statusCode());
        assertEquals(405, served.get(PATH).statusCode());
        assertTrue(served.log.stream().anyMatch(l -> l.matches("127\\.0\\.0\\.1:\\d+ POST /v1/completions 200 [\\d.]+ms req-\\S+ demo")), served.log.toString());
    }
}
