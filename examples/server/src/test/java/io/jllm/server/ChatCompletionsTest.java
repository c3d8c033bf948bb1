package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import java.io.IOException;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ChatCompletionsTest {
    private static final String PATH = "/v1/chat/completions";
    private static final String SAID = "\"messages\":[{\"role\":\"system\",\"content\":\"Tell tales.\"},{\"role\":\"user\",\"content\":\"Once\"}]";
    private static final String TOOL = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"roll\",\"description\":\"Rolls dice.\",\"parameters\":"
            + "{\"type\":\"object\",\"properties\":{\"sides\":{\"type\":\"integer\",\"minimum\":2,\"maximum\":20}},\"required\":[\"sides\"],"
            + "\"additionalProperties\":false}}}]";

    private static LLM llm;
    private static Served served;

    @BeforeAll
    static void open() throws IOException {
        llm = Served.demo();
        served = Served.with(llm, b -> b.alias("other", "demo"));
    }

    @AfterAll
    static void close() {
        served.close();
        llm.close();
    }

    private static JsonObject choice(JsonObject reply, int index) {
        return reply.getAsJsonArray("choices").get(index).getAsJsonObject();
    }

    private static JsonObject message(JsonObject reply) {
        return choice(reply, 0).getAsJsonObject("message");
    }

    /** The text of one choice of a stream, of the fields of that name. */
    private static String text(List<JsonObject> chunks, int index, String field) {
        var text = new StringBuilder();
        for (JsonObject chunk : chunks) {
            for (JsonElement c : chunk.getAsJsonArray("choices")) {
                JsonElement more = c.getAsJsonObject().getAsJsonObject("delta").get(field);
                if (c.getAsJsonObject().get("index").getAsInt() == index && more != null) {
                    text.append(more.getAsString());
                }
            }
        }
        return text.toString();
    }

    @Test
    void answersWhole() throws Exception {
        JsonObject reply = served.ask(PATH, "{\"model\":\"demo\"," + SAID + ",\"max_tokens\":12,\"temperature\":0}");
        assertEquals("chat.completion", reply.get("object").getAsString());
        assertEquals("demo", reply.get("model").getAsString());
        assertEquals("length", choice(reply, 0).get("finish_reason").getAsString());
        assertEquals("assistant", message(reply).get("role").getAsString());
        assertFalse(message(reply).get("content").getAsString().isEmpty());
        JsonObject usage = reply.getAsJsonObject("usage");
        assertEquals(12, usage.get("completion_tokens").getAsInt());
        assertEquals(usage.get("total_tokens").getAsInt(), usage.get("prompt_tokens").getAsInt() + 12);
    }

    @Test
    void streamsTheSameText() throws Exception {
        String body = "{\"model\":\"other\"," + SAID + ",\"max_completion_tokens\":20,\"temperature\":0.8,\"seed\":5";
        JsonObject whole = served.ask(PATH, body + "}");
        List<JsonObject> chunks = served.events(PATH, body + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}", true);
        assertEquals(message(whole).get("content").getAsString(), text(chunks, 0, "content"));
        assertEquals("assistant", choice(chunks.getFirst(), 0).getAsJsonObject("delta").get("role").getAsString());
        assertEquals(1, chunks.stream().filter(c -> c.toString().contains("\"role\"")).count(), "the role comes once");
        assertEquals("length", choice(chunks.get(chunks.size() - 2), 0).get("finish_reason").getAsString());
        JsonObject last = chunks.getLast();
        assertEquals(0, last.getAsJsonArray("choices").size());
        assertEquals(20, last.getAsJsonObject("usage").get("completion_tokens").getAsInt());
        assertTrue(last.getAsJsonObject("usage").getAsJsonObject("prompt_tokens_details").get("cached_tokens").getAsInt() > 0);
        assertEquals(1, chunks.stream().map(c -> c.get("id").getAsString()).distinct().count());
    }

    @Test
    void givesSeveralAnswersWithLogprobs() throws Exception {
        String body = "{" + SAID + ",\"max_tokens\":6,\"n\":3,\"seed\":1,\"logprobs\":true,\"top_logprobs\":2";
        JsonObject whole = served.ask(PATH, body + "}");
        List<JsonObject> chunks = served.events(PATH, body + ",\"stream\":true}", true);
        for (int i = 0; i < 3; i++) {
            JsonArray content = choice(whole, i).getAsJsonObject("logprobs").getAsJsonArray("content");
            var said = new StringBuilder();
            for (JsonElement token : content) {
                said.append(token.getAsJsonObject().get("token").getAsString());
                assertEquals(2, token.getAsJsonObject().getAsJsonArray("top_logprobs").size());
                assertTrue(token.getAsJsonObject().get("logprob").getAsDouble() <= 0);
            }
            String text = choice(whole, i).getAsJsonObject("message").get("content").getAsString();
            assertEquals(text.strip(), said.toString().strip());
            assertEquals(text, text(chunks, i, "content"));
            int index = i;
            assertEquals(content.asList(), chunks.stream().flatMap(c -> c.getAsJsonArray("choices").asList().stream()).map(JsonElement::getAsJsonObject)
                    .filter(c -> c.get("index").getAsInt() == index && c.get("logprobs").isJsonObject())
                    .flatMap(c -> c.getAsJsonObject("logprobs").getAsJsonArray("content").asList().stream()).toList());
        }
    }

    @Test
    void bindsAnswersToSchemas() throws Exception {
        String schema = "{\"type\":\"object\",\"properties\":{\"age\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":99}},\"required\":[\"age\"],"
                + "\"additionalProperties\":false}";
        for (String format : List.of(
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":" + schema + "}}",
                "\"guided_json\":" + schema, "\"structured_outputs\":{\"json\":" + schema + "}")) {
            JsonObject reply = served.ask(PATH, "{" + SAID + "," + format + "}");
            int age = JsonParser.parseString(message(reply).get("content").getAsString()).getAsJsonObject().get("age").getAsInt();
            assertTrue(age >= 1 && age <= 99);
            assertEquals("stop", choice(reply, 0).get("finish_reason").getAsString());
        }
        assertEquals("yes", message(served.ask(PATH, "{" + SAID + ",\"guided_choice\":[\"yes\"]}")).get("content").getAsString());
        assertTrue(message(served.ask(PATH, "{" + SAID + ",\"guided_grammar\":\"root ::= [ab]{3}\"}")).get("content").getAsString().matches("[ab]{3}"));
        String any = message(served.ask(PATH, "{" + SAID + ",\"response_format\":{\"type\":\"json_object\"},\"max_tokens\":1}")).get("content")
                .getAsString();
        assertTrue(any.startsWith("{"), any);
    }

    @Test
    void keepsReasoningApart() throws Exception {
        String body = "{" + SAID + ",\"guided_regex\":\"<think>hm, well</think>yes\"";
        JsonObject reply = served.ask(PATH, body + "}");
        assertEquals("yes", message(reply).get("content").getAsString());
        assertEquals("hm, well", message(reply).get("reasoning_content").getAsString());
        assertTrue(reply.getAsJsonObject("usage").getAsJsonObject("completion_tokens_details").get("reasoning_tokens").getAsInt() > 0);
        List<JsonObject> chunks = served.events(PATH, body + ",\"stream\":true}", true);
        assertEquals("yes", text(chunks, 0, "content"));
        assertEquals("hm, well", text(chunks, 0, "reasoning_content"));
    }

    @Test
    void callsToolsInParallel() throws Exception {
        String call = "<tool_call>\\\\{\\\"name\\\": \\\"roll\\\", \\\"arguments\\\": \\\\{\\\"sides\\\": SIDES\\\\}\\\\}</tool_call>";
        String body = "{" + SAID + "," + TOOL + ",\"guided_regex\":\"" + call.replace("SIDES", "6") + call.replace("SIDES", "20") + "\"";
        JsonObject reply = served.ask(PATH, body + "}");
        assertEquals("tool_calls", choice(reply, 0).get("finish_reason").getAsString());
        assertTrue(message(reply).get("content").isJsonNull());
        JsonArray calls = message(reply).getAsJsonArray("tool_calls");
        assertEquals(2, calls.size());
        assertEquals("{\"sides\": 20}", calls.get(1).getAsJsonObject().getAsJsonObject("function").get("arguments").getAsString());

        var names = new TreeMap<Integer, String>();
        var arguments = new TreeMap<Integer, String>();
        for (JsonObject chunk : served.events(PATH, body + ",\"stream\":true}", true)) {
            JsonElement deltas = choice(chunk, 0).getAsJsonObject("delta").get("tool_calls");
            for (JsonElement d : deltas == null ? List.<JsonElement>of() : deltas.getAsJsonArray().asList()) {
                int index = d.getAsJsonObject().get("index").getAsInt();
                JsonObject function = d.getAsJsonObject().getAsJsonObject("function");
                if (function.has("name")) {
                    assertFalse(names.containsKey(index), "a name comes once");
                    names.put(index, function.get("name").getAsString());
                }
                arguments.merge(index, function.get("arguments").getAsString(), String::concat);
            }
        }
        assertEquals("{0=roll, 1=roll}", names.toString());
        assertEquals("{0={\"sides\": 6}, 1={\"sides\": 20}}", arguments.toString());

        JsonObject one = served.ask(PATH, body + ",\"parallel_tool_calls\":false}");
        assertEquals(1, message(one).getAsJsonArray("tool_calls").size());
    }

    @Test
    void demandsCalls() throws Exception {
        for (String choice : List.of("\"required\"", "{\"type\":\"function\",\"function\":{\"name\":\"roll\"}}")) {
            JsonObject reply = served.ask(PATH, "{" + SAID + "," + TOOL + ",\"tool_choice\":" + choice + ",\"parallel_tool_calls\":false,\"max_tokens\":200}");
            JsonObject function = message(reply).getAsJsonArray("tool_calls").get(0).getAsJsonObject().getAsJsonObject("function");
            int sides = JsonParser.parseString(function.get("arguments").getAsString()).getAsJsonObject().get("sides").getAsInt();
            assertTrue(sides >= 2 && sides <= 20);
        }
        String answered = "{\"messages\":[{\"role\":\"user\",\"content\":\"Roll\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\","
                + "\"type\":\"function\",\"function\":{\"name\":\"roll\",\"arguments\":\"{\\\"sides\\\":6}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\","
                + "\"content\":\"4\"}]," + TOOL + ",\"tool_choice\":\"none\",\"max_tokens\":3}";
        assertEquals("length", choice(served.ask(PATH, answered), 0).get("finish_reason").getAsString());
    }

    @Test
    void stopsAndBiases() throws Exception {
        int[] ids = llm.tokenizer().encode(" dragon", false, false);
        JsonObject reply = served.ask(PATH, "{" + SAID + ",\"max_tokens\":3,\"temperature\":0,\"logit_bias\":{\"" + ids[0] + "\":100}}");
        assertTrue(message(reply).get("content").getAsString().contains(llm.tokenizer().decodeContinuation(new int[] {ids[0]}).strip()));
        JsonObject stopped = served.ask(PATH, "{" + SAID + ",\"guided_regex\":\"one, two\",\"stop\":\",\"}");
        assertEquals("one", message(stopped).get("content").getAsString());
        assertEquals(",", choice(stopped, 0).get("stop_reason").getAsString());
    }

    @Test
    void saysWhatIsWrong() throws Exception {
        assertEquals("model_not_found", served.error(404, PATH, "{\"model\":\"x\"," + SAID + "}").get("code").getAsString());
        assertEquals("messages", served.error(400, PATH, "{}").get("param").getAsString());
        assertEquals("temperature", served.error(400, PATH, "{" + SAID + ",\"temperature\":-1}").get("param").getAsString());
        assertEquals("temperature", served.error(400, PATH, "{" + SAID + ",\"temperature\":1e999999999}").get("param").getAsString());
        assertEquals("messages[0].role", served.error(400, PATH, "{\"messages\":[{\"role\":\"king\",\"content\":\"x\"}]}").get("param").getAsString());
        assertEquals("messages[0].content[0].type", served.error(400, PATH,
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}").get("param").getAsString());
        assertEquals("use_beam_search", served.error(400, PATH, "{" + SAID + ",\"use_beam_search\":true}").get("param").getAsString());
        assertEquals("chat_template", served.error(400, PATH, "{" + SAID + ",\"chat_template\":\"x\"}").get("param").getAsString());
        assertEquals("top_logprobs", served.error(400, PATH, "{" + SAID + ",\"top_logprobs\":3}").get("param").getAsString());
        assertEquals("tool_choice", served.error(400, PATH, "{" + SAID + ",\"tool_choice\":\"required\"}").get("param").getAsString());
        assertTrue(served.error(400, PATH, "{" + SAID + ",\"n\":10000}").get("message").getAsString().contains("n asks for 10000"));
        String schema = "{" + SAID + ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"not\":{}}}}}";
        assertEquals("response_format.json_schema.schema", served.error(400, PATH, schema).get("param").getAsString());
        assertEquals("context_length_exceeded", served.error(400, PATH, "{\"messages\":[{\"role\":\"user\",\"content\":\"" + "word ".repeat(3000)
                + "\"}]}").get("code").getAsString());
        for (String broken : List.of("", "[]", "{", "{\"a\":1}x", "nul", "{'a':1}", "[".repeat(5000), "\"\\ud800\"", "{\"messages\":\"x\"}")) {
            assertEquals("invalid_request_error", served.error(400, PATH, broken).get("type").getAsString());
        }
        // What nobody knows is passed over.
        served.ask(PATH, "{" + SAID + ",\"max_tokens\":1,\"store\":true,\"metadata\":{\"a\":\"b\"},\"service_tier\":\"auto\",\"whatever\":[1]}");
    }
}
