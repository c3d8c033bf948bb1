package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/** Valid requests that were changed: each is answered by 200 or by an error of the client's, and the server serves on. */
class MutationsTest {
    private static final List<String> PATHS = List.of("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages",
            "/tokenize", "/detokenize", "/v1/messages/count_tokens");
    private static final List<String> VALID = List.of(
            "{\"model\":\"demo\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}],"
                    + "\"max_tokens\":2,\"temperature\":0.5,\"top_p\":0.9,\"n\":1,\"stream\":false,\"logit_bias\":{\"5\":-1},\"stop\":[\"x\"],\"seed\":1,"
                    + "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[1,2]}}}}}],"
                    + "\"tool_choice\":\"auto\",\"logprobs\":true,\"top_logprobs\":1}",
            "{\"prompt\":[\"a\",\"b\"],\"max_tokens\":2,\"echo\":true,\"logprobs\":1,\"n\":2,\"best_of\":2,\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
            "{\"input\":[\"a\",[1,2,3]],\"encoding_format\":\"base64\",\"dimensions\":4}",
            "{\"input\":[{\"role\":\"user\",\"content\":\"x\"},{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},"
                    + "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"1\"}],\"max_output_tokens\":2,\"text\":{\"format\":{\"type\":\"json_object\"}}}",
            "{\"max_tokens\":2,\"system\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\","
                    + "\"id\":\"1\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"1\",\"content\":\"y\"}]}],"
                    + "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}],\"stream\":true}",
            "{\"prompt\":\"a\",\"return_token_strs\":true,\"add_special_tokens\":false}",
            "{\"tokens\":[1,2,3]}",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"thinking\":{\"type\":\"enabled\"}}");
    private static final List<String> WORDS = List.of("null", "true", "-1", "0", "1e999", "99999999999999999999", "\"\"", "\"x\"", "[]", "{}", "[[[]]]",
            "{\"a\":{}}", "0.5", "\"\\u0000\"", "\"\\ud83d\"", "[null]", "{\"type\":\"text\"}");

    private final Random random = new Random(20);

    private String mutation(String valid) {
        String text = valid;
        for (int i = random.nextInt(3); i >= 0 && !text.isEmpty(); i--) {
            int at = random.nextInt(text.length());
            int to = Math.min(text.length(), at + 1 + random.nextInt(12));
            text = switch (random.nextInt(6)) {
                case 0 -> text.substring(0, at) + text.substring(to);
                case 1 -> text.substring(0, at) + text.substring(at, to).repeat(2) + text.substring(to);
                case 2 -> text.substring(0, at) + (char) (' ' + random.nextInt(0x60)) + text.substring(at + 1);
                case 3 -> text.substring(0, Math.max(1, at));
                default -> value(text, at);
            };
        }
        return text.isEmpty() ? "{" : text;
    }

    /** The value behind the next colon is another one. */
    private String value(String text, int from) {
        int colon = text.indexOf(':', from);
        if (colon < 0) {
            return text;
        }
        int end = colon + 1;
        for (int depth = 0; end < text.length() && (depth > 0 || ",}]".indexOf(text.charAt(end)) < 0); end++) {
            depth += "[{".indexOf(text.charAt(end)) >= 0 ? 1 : "]}".indexOf(text.charAt(end)) >= 0 ? -1 : 0;
        }
        return text.substring(0, colon + 1) + WORDS.get(random.nextInt(WORDS.size())) + text.substring(end);
    }

    /** Answers that nothing limits are limited. */
    private static String limited(String body) {
        return body.startsWith("{") && body.endsWith("}") && body.length() > 2
                ? body.substring(0, body.length() - 1) + ",\"max_tokens\":2,\"max_completion_tokens\":2,\"max_output_tokens\":2}" : body;
    }

    @Test
    void areAnswered(TestReporter reporter) throws Exception {
        int count = Integer.getInteger("jllm.mutations", 1000);
        int[] statuses = new int[600];
        try (LLM llm = Served.demo(); Served served = Served.with(llm, b -> b)) {
            for (int i = 0; i < PATHS.size(); i++) {
                assertEquals(200, served.post(PATHS.get(i), VALID.get(i)).statusCode(), VALID.get(i));
            }
            for (int i = 0; i < count; i++) {
                int which = i % PATHS.size();
                String body = limited(mutation(VALID.get(which)));
                int status = served.post(PATHS.get(which), body).statusCode();
                statuses[status]++;
                assertTrue(status == 200 || status == 400 || status == 404, status + " for " + PATHS.get(which) + " " + body);
            }
            assertTrue(statuses[400] > count / 4 && statuses[200] > count / 20, Arrays.toString(statuses));
            reporter.publishEntry("statuses", "200: " + statuses[200] + ", 400: " + statuses[400] + ", 404: " + statuses[404]);
            for (int i = 0; i < PATHS.size(); i++) { // bytes that are no text
                byte[] bytes = VALID.get(i).getBytes(StandardCharsets.UTF_8);
                bytes[bytes.length / 2] = (byte) 0xff;
                try (var client = new RawClient(served.server)) {
                    client.send("POST " + PATHS.get(i) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " + bytes.length + "\r\n\r\n");
                    client.socket().getOutputStream().write(bytes);
                    assertTrue(client.readAll().startsWith("HTTP/1.1 400"));
                }
            }
            while (served.server.activeRequests() > 0) {
                Thread.sleep(5);
            }
            assertEquals(0, llm.metrics().usedKvBlocks());
        }
    }
}
