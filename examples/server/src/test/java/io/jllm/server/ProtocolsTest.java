package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** OpenAI's responses, and Anthropic's messages. */
class ProtocolsTest {
    private static final String RESPONSES = "/v1/responses";
    private static final String MESSAGES = "/v1/messages";
    private static final String SCHEMA = "{\"type\":\"object\",\"properties\":{\"sides\":{\"type\":\"integer\",\"minimum\":2,\"maximum\":20}},"
            + "\"required\":[\"sides\"],\"additionalProperties\":false}";
    /** What binds the answer to reasoning, a text and a call. */
    private static final String BOUND = "\"structured_outputs\":{\"regex\":\"<think>hm</think>now<tool_call>\\\\{\\\"name\\\": \\\"roll\\\","
            + " \\\"arguments\\\": \\\\{\\\"sides\\\": 6\\\\}\\\\}</tool_call>\"}";

    private static LLM llm;
    private static Served served;

    @BeforeAll
    static void open() throws IOException {
        llm = Served.demo();
        served = Served.with(llm, b -> b);
    }

    @AfterAll
    static void close() {
        served.close();
        llm.close();
    }

    private static String types(List<JsonObject> events) {
        return events.stream().map(e -> e.get("type").getAsString()).collect(Collectors.joining(" "));
    }

    private static String responseBody() {
        return "{\"instructions\":\"Roll dice.\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"Roll\"}]},"
                + "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"roll\",\"arguments\":\"{\\\"sides\\\":2}\"},"
                + "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"1\"},{\"role\":\"user\",\"content\":\"Again\"}],"
                + "\"seed\":1,\"tools\":[{\"type\":\"function\",\"name\":\"roll\",\"parameters\":" + SCHEMA + "}],";
    }

    @Test
    void respondsWithItems() throws Exception {
        String body = responseBody() + "\"guided_regex\":\"x\"}";
        JsonObject bound = served.ask(RESPONSES, body);
        assertEquals("message", bound.getAsJsonArray("output").get(0).getAsJsonObject().get("type").getAsString());
        JsonObject whole = served.ask(RESPONSES, responseBody() + BOUND + "}");
        List<String> kinds = whole.getAsJsonArray("output").asList().stream().map(i -> i.getAsJsonObject().get("type").getAsString()).toList();
        assertEquals(List.of("reasoning", "message", "function_call"), kinds);
        assertEquals("completed", whole.get("status").getAsString());
        JsonObject call = whole.getAsJsonArray("output").get(2).getAsJsonObject();
        assertEquals("{\"sides\": 6}", call.get("arguments").getAsString());

        List<JsonObject> events = served.events(RESPONSES, responseBody() + BOUND + ",\"stream\":true}", false);
        for (int i = 0; i < events.size(); i++) {
            assertEquals(i, events.get(i).get("sequence_number").getAsInt());
        }
        String item = "response.output_item.added response.content_part.added response.%s.delta(?: response.%s.delta)* response.%s.done"
                + " response.content_part.done response.output_item.done ";
        String order = "response.created response.in_progress " + item.replace("%s", "reasoning_text") + item.replace("%s", "output_text")
                + "response.output_item.added response.function_call_arguments.delta(?: response.function_call_arguments.delta)* "
                + "response.function_call_arguments.done response.output_item.done response.completed";
        assertTrue(types(events).matches(order), types(events));
        JsonObject last = events.getLast().getAsJsonObject("response");
        assertEquals("now", last.getAsJsonArray("output").get(1).getAsJsonObject().getAsJsonArray("content").get(0).getAsJsonObject().get("text")
                .getAsString());
        assertEquals(whole.getAsJsonObject("usage").get("output_tokens"), last.getAsJsonObject("usage").get("output_tokens"));
    }

    @Test
    void respondsCutAndBound() throws Exception {
        JsonObject cut = served.ask(RESPONSES, "{\"input\":\"Once\",\"max_output_tokens\":3}");
        assertEquals("incomplete", cut.get("status").getAsString());
        assertEquals("max_output_tokens", cut.getAsJsonObject("incomplete_details").get("reason").getAsString());
        JsonObject bound = served.ask(RESPONSES, "{\"input\":\"Once\",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"s\",\"schema\":" + SCHEMA + "}}}");
        String text = bound.getAsJsonArray("output").get(0).getAsJsonObject().getAsJsonArray("content").get(0).getAsJsonObject().get("text").getAsString();
        assertTrue(JsonParser.parseString(text).getAsJsonObject().get("sides").getAsInt() >= 2);
        assertEquals("previous_response_id", served.error(400, RESPONSES, "{\"input\":\"a\",\"previous_response_id\":\"r\"}").get("param").getAsString());
        assertEquals("tools[0].type", served.error(400, RESPONSES, "{\"input\":\"a\",\"tools\":[{\"type\":\"web_search\"}]}").get("param").getAsString());
        assertEquals("input", served.error(400, RESPONSES, "{}").get("param").getAsString());
    }

    private static String messageBody() {
        return "{\"model\":\"demo\",\"max_tokens\":100,\"system\":[{\"type\":\"text\",\"text\":\"Roll dice.\"}],\"messages\":[{\"role\":\"user\","
                + "\"content\":\"Roll\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"so\"},{\"type\":\"tool_use\",\"id\":\"c1\","
                + "\"name\":\"roll\",\"input\":{\"sides\":2}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c1\","
                + "\"content\":\"1\"},{\"type\":\"text\",\"text\":\"Again\"}]}],\"tools\":[{\"name\":\"roll\",\"input_schema\":" + SCHEMA + "}],";
    }

    @Test
    void answersWithBlocks() throws Exception {
        // Anthropic's protocol binds nothing, so the answer is a demanded call.
        JsonObject whole = served.ask(MESSAGES, messageBody() + "\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true}}");
        assertEquals("tool_use", whole.get("stop_reason").getAsString());
        JsonObject block = whole.getAsJsonArray("content").get(0).getAsJsonObject();
        assertTrue(block.getAsJsonObject("input").get("sides").getAsInt() >= 2);
        List<JsonObject> events = served.events(MESSAGES, messageBody() + "\"seed\":3,\"stream\":true,\"tool_choice\":{\"type\":\"tool\",\"name\":\"roll\"}}",
                false);
        assertTrue(types(events).matches("message_start ping content_block_start content_block_delta(?: content_block_delta)* content_block_stop "
                + "message_delta message_stop"), types(events));
        String arguments = events.stream().filter(e -> e.has("delta") && e.getAsJsonObject("delta").has("partial_json"))
                .map(e -> e.getAsJsonObject("delta").get("partial_json").getAsString()).collect(Collectors.joining());
        assertTrue(JsonParser.parseString(arguments).getAsJsonObject().get("sides").getAsInt() >= 2);
    }

    @Test
    void answersWithText() throws Exception {
        String body = "{\"max_tokens\":8,\"messages\":[{\"role\":\"user\",\"content\":\"Once\"}],\"temperature\":0";
        JsonObject whole = served.ask(MESSAGES, body + "}");
        assertEquals("max_tokens", whole.get("stop_reason").getAsString());
        List<JsonObject> events = served.events(MESSAGES, body + ",\"stream\":true}", false);
        String text = events.stream().filter(e -> e.has("delta") && e.getAsJsonObject("delta").has("text"))
                .map(e -> e.getAsJsonObject("delta").get("text").getAsString()).collect(Collectors.joining());
        assertEquals(whole.getAsJsonArray("content").get(0).getAsJsonObject().get("text").getAsString(), text);
        JsonObject counted = served.ask(MESSAGES + "/count_tokens", "{\"messages\":[{\"role\":\"user\",\"content\":\"Once\"}]}");
        JsonObject usage = whole.getAsJsonObject("usage");
        assertEquals(counted.get("input_tokens").getAsInt(), usage.get("input_tokens").getAsInt() + usage.get("cache_read_input_tokens").getAsInt());
        assertEquals("invalid_request_error", served.error(400, MESSAGES, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}").get("type").getAsString());
        assertEquals("not_found_error", served.error(404, MESSAGES, "{\"model\":\"x\"}").get("type").getAsString());
        served.error(400, MESSAGES, "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]}");
        for (String path : List.of(MESSAGES, MESSAGES + "/count_tokens")) {
            assertTrue(served.error(400, path, "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":[]}]}").get("message").getAsString()
                    .contains("messages[0].content must be"));
        }
    }
}
