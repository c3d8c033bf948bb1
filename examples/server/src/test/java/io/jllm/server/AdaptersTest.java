package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.jllm.LLM;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import io.jllm.embedding.EmbeddingParams;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters are asked for as models, and answer what the library answers with them. */
class AdaptersTest {
    private static final String COMPLETIONS = "/v1/completions";
    private static final int TOKENS = 12;

    @TempDir
    private static Path temp;
    private static LLM llm;
    private static Path red;
    private static Path blue;

    @BeforeAll
    static void open() throws IOException {
        llm = Served.demo();
        red = TinyAdapter.write(temp.resolve("red"), llm.config(), 1);
        blue = TinyAdapter.write(temp.resolve("blue"), llm.config(), 2);
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    private static String ask(String model) {
        return "{\"model\":\"" + model + "\",\"prompt\":\"Once upon a time\",\"max_tokens\":" + TOKENS + ",\"temperature\":0,\"ignore_eos\":true}";
    }

    private static String text(JsonObject reply) {
        return reply.getAsJsonArray("choices").get(0).getAsJsonObject().get("text").getAsString();
    }

    /** What the library generates, with an adapter of its own of that path. */
    private static String expected(Path adapter) {
        SamplingParams params = llm.defaults().toBuilder().temperature(0).maxTokens(TOKENS).ignoreEos(true).build();
        llm.adapters().load("expected", adapter);
        try {
            return llm.generate(List.of(Request.of("Once upon a time", params).adapter("expected"))).getFirst().text();
        } finally {
            llm.adapters().unload("expected");
        }
    }

    private static List<JsonObject> models(Served served) throws IOException, InterruptedException {
        JsonArray data = JsonParser.parseString(served.get("/v1/models").body()).getAsJsonObject().getAsJsonArray("data");
        return StreamSupport.stream(data.spliterator(), false).map(JsonElement::getAsJsonObject).toList();
    }

    private static List<String> names(Served served) throws IOException, InterruptedException {
        return models(served).stream().map(m -> m.get("id").getAsString()).toList();
    }

    @Test
    void answerAsTheLibraryDoes() throws Exception {
        String plain = llm.generate("Once upon a time", llm.defaults().toBuilder().temperature(0).maxTokens(TOKENS).ignoreEos(true).build()).text();
        assertNotEquals(plain, expected(red));
        assertNotEquals(expected(red), expected(blue));
        try (Served served = Served.with(llm, b -> b.adapter("demo", "red", red).adapter("demo", "blue", blue))) {
            assertEquals(List.of("demo", "red", "blue"), names(served));
            JsonObject listed = models(served).get(1);
            assertEquals("demo", listed.get("parent").getAsString());
            assertEquals(red.toString(), listed.get("root").getAsString());
            assertEquals(listed, JsonParser.parseString(served.get("/v1/models/red").body()));

            JsonObject reply = served.ask(COMPLETIONS, ask("red"));
            assertEquals("red", reply.get("model").getAsString());
            assertEquals(expected(red), text(reply));
            assertEquals(expected(blue), text(served.ask(COMPLETIONS, ask("blue"))));
            assertEquals(plain, text(served.ask(COMPLETIONS, ask("demo"))));
            assertEquals(expected(red), served.events(COMPLETIONS, ask("red").replaceFirst("\\{", "{\"stream\":true,"), true).stream()
                    .map(AdaptersTest::text).collect(Collectors.joining()));
            assertTrue(served.get("/metrics").body().contains("request_success_total{model_name=\"demo\",finished_reason=\"length\"}"));
            assertTrue(served.error(404, COMPLETIONS, ask("green")).get("message").getAsString().endsWith("there are: demo, red, blue"));
        }
        assertEquals(List.of(), llm.adapters().names(), "the model is as it was given");
    }

    @Test
    void ofAllProtocols() throws Exception {
        try (Served served = Served.with(llm, b -> b.adapter("demo", "red", red))) {
            String chat = "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"max_tokens\":8,\"temperature\":0}";
            for (String path : List.of("/v1/chat/completions", "/v1/messages")) {
                assertDiffer(served, path, chat, path.endsWith("messages") ? "content" : "choices");
            }
            assertDiffer(served, "/v1/responses", "\"input\":\"Hello\",\"max_output_tokens\":8,\"temperature\":0}", "output");

            float[] vector = llm.embed(List.of(Prompt.of("The king")), EmbeddingParams.defaults().withAdapter("red")).getFirst().vector();
            JsonArray got = served.ask("/v1/embeddings", "{\"model\":\"red\",\"input\":\"The king\"}").getAsJsonArray("data").get(0).getAsJsonObject()
                    .getAsJsonArray("embedding");
            for (int i = 0; i < vector.length; i++) {
                assertEquals(vector[i], got.get(i).getAsFloat());
            }
            assertEquals(8, served.ask("/tokenize", "{\"model\":\"red\",\"prompt\":\"Once upon a time there was a\"}").get("count").getAsInt());
        }
    }

    private static void assertDiffer(Served served, String path, String body, String member) throws Exception {
        JsonObject with = served.ask(path, "{\"model\":\"red\"," + body);
        JsonObject without = served.ask(path, "{\"model\":\"demo\"," + body);
        assertEquals("red", with.get("model").getAsString());
        assertNotEquals(without.get(member).toString().replaceAll("(msg|resp|req)[-_]?\\w+[-\\w]*", ""),
                with.get(member).toString().replaceAll("(msg|resp|req)[-_]?\\w+[-\\w]*", ""), path);
    }

    @Test
    void thatAModelWasOpenedWith() throws Exception {
        try (LLM own = LLM.load(DemoModel.path()).threads(1).adapter("own", blue).open(); Served served = Served.with(own, b -> b)) {
            assertEquals(List.of("demo", "own"), names(served));
            assertEquals(expected(blue), text(served.ask(COMPLETIONS, ask("own"))));
        }
    }

    @Test
    void comeAndGo() throws Exception {
        String load = "/v1/load_lora_adapter";
        String unload = "/v1/unload_lora_adapter";
        String body = "{\"lora_name\":\"red\",\"lora_path\":" + new JsonPrimitive(red.toString()) + "}";
        try (Served served = Served.with(llm, b -> b)) {
            assertTrue(served.error(403, load, body).get("message").getAsString().contains("--allow-adapter-loading"));
            assertEquals(403, served.post(unload, body).statusCode());
        }
        try (Served served = Served.with(llm, b -> b.alias("other", "demo").allowAdapterLoading())) {
            assertEquals(404, served.post(COMPLETIONS, ask("red")).statusCode());
            HttpResponse<String> loaded = served.post(load, body);
            assertEquals("Success: LoRA adapter 'red' added successfully.", loaded.body());
            assertEquals(200, loaded.statusCode());
            assertEquals(List.of("demo", "other", "red"), names(served));
            assertEquals(expected(red), text(served.ask(COMPLETIONS, ask("red"))));
            for (String name : List.of("red", "demo", "other")) {
                JsonObject error = served.error(400, load, body.replaceFirst("red", name));
                assertTrue(error.get("message").getAsString().contains("the name " + name + " is taken"));
                assertEquals("lora_name", error.get("param").getAsString());
            }
            assertTrue(served.error(400, load, "{\"lora_name\":\"x\",\"lora_path\":\"/nowhere\"}").get("message").getAsString().contains("/nowhere"));
            assertTrue(served.error(400, load, "{\"lora_name\":\"x\",\"lora_path\":\"/nowhere\",\"base_model_name\":\"red\"}").get("message").getAsString()
                    .contains("red is an adapter"));
            assertEquals(404, served.post(load, "{\"lora_name\":\"x\",\"lora_path\":\"/nowhere\",\"base_model_name\":\"y\"}").statusCode());
            assertEquals("lora_path", served.error(400, load, "{\"lora_name\":\"x\"}").get("param").getAsString());
            assertTrue(served.error(400, unload, "{\"lora_name\":\"demo\"}").get("message").getAsString().contains("no adapter"));
            assertEquals("Success: LoRA adapter 'red' removed successfully.", served.post(unload, "{\"lora_name\":\"red\"}").body());
            assertEquals(404, served.post(unload, "{\"lora_name\":\"red\"}").statusCode());
            assertEquals(404, served.post(COMPLETIONS, ask("red")).statusCode());
            assertEquals(List.of("demo", "other"), names(served));
            assertEquals(200, served.post(load, body).statusCode(), "its name is free again");
        }
        assertEquals(List.of(), llm.adapters().names());
    }

    /** They are loaded with their model each time. */
    @Test
    void ofModelsThatAreUnloaded() throws Exception {
        try (Served served = Served.with(llm, b -> b.maxLoadedModels(2).model("x", LLM.load(DemoModel.path()).threads(1))
                .model("y", LLM.load(DemoModel.path()).threads(1)).adapter("y", "red", red).allowAdapterLoading())) {
            assertEquals(List.of("demo", "x", "y", "red"), names(served));
            assertEquals(expected(red), text(served.ask(COMPLETIONS, ask("red"))));
            assertEquals(200, served.post("/v1/load_lora_adapter", "{\"lora_name\":\"blue\",\"base_model_name\":\"y\",\"lora_path\":"
                    + new JsonPrimitive(blue.toString()) + "}").statusCode());
            served.ask(COMPLETIONS, ask("x"));
            assertTrue(models(served).stream().filter(m -> !m.get("loaded").getAsBoolean()).map(m -> m.get("id").getAsString()).toList()
                    .containsAll(List.of("y", "red", "blue")));
            assertEquals(expected(blue), text(served.ask(COMPLETIONS, ask("blue"))));
            assertEquals(expected(red), text(served.ask(COMPLETIONS, ask("red"))));
        }
    }

    @Test
    void wrongOnes() {
        assertThrows(ModelLoadException.class, () -> Served.with(llm, b -> b.adapter("demo", "red", red).adapter("demo", "x", Path.of("/nowhere"))));
        assertEquals(List.of(), llm.adapters().names());
        assertThrows(IllegalArgumentException.class, () -> Served.with(llm, b -> b.adapter("demo", "demo", red)));
        assertThrows(IllegalArgumentException.class, () -> Served.with(llm, b -> b.adapter("demo", "red", red).adapter("demo", "red", blue)));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Served.with(llm, b -> b.adapter("other", "red", red))).getMessage()
                .contains("the model other, which is not served"));
        assertEquals(List.of(), llm.adapters().names());
    }

    /** An adapter that peft made. */
    @Test
    void thatOthersMade() throws Exception {
        String root = System.getProperty("jllm.shared", "");
        Assumptions.assumeTrue(!root.isEmpty(), "skipped: -Djllm.shared=FOLDER is not given, oracles/quant/base-fp16 and lora-r8-all are looked for there");
        Path oracles = Path.of(root, "oracles", "quant");
        int[] prompt = {5, 17, 42, 8};
        try (LLM base = LLM.load(oracles.resolve("base-fp16")).threads(1).open();
                Served served = Served.with(base, b -> b.adapter("demo", "tuned", oracles.resolve("lora-r8-all")))) {
            SamplingParams params = base.defaults().toBuilder().temperature(0).maxTokens(TOKENS).ignoreEos(true).logprobs(0).build();
            var expected = base.generate(List.of(new Request(Prompt.ofTokens(prompt), params).adapter("tuned"))).getFirst().outputs().getFirst();
            JsonObject logprobs = served.ask(COMPLETIONS, "{\"model\":\"tuned\",\"prompt\":" + Arrays.toString(prompt) + ",\"max_tokens\":" + TOKENS
                    + ",\"temperature\":0,\"ignore_eos\":true,\"logprobs\":0,\"return_tokens_as_token_ids\":true}").getAsJsonArray("choices").get(0)
                    .getAsJsonObject().getAsJsonObject("logprobs");
            int[] ids = StreamSupport.stream(logprobs.getAsJsonArray("tokens").spliterator(), false)
                    .mapToInt(t -> Integer.parseInt(t.getAsString().replace("token_id:", ""))).toArray();
            assertArrayEquals(expected.tokenIds(), ids);
            for (int i = 0; i < ids.length; i++) {
                assertEquals(expected.logprobs().get(i).logprob(), logprobs.getAsJsonArray("token_logprobs").get(i).getAsFloat(), 0);
            }
        }
    }
}
