package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of requests. */
class BatchTest {
    @TempDir
    Path folder;

    private static String request(String id, String url, String body) {
        return "{\"custom_id\": \"" + id + "\", \"method\": \"POST\", \"url\": \"" + url + "\", \"body\": " + body + "}";
    }

    private Map<String, JsonObject> answers() throws IOException {
        return Files.readAllLines(folder.resolve("out.jsonl")).stream().map(l -> JsonParser.parseString(l).getAsJsonObject())
                .collect(Collectors.toMap(o -> o.get("custom_id").getAsString(), Function.identity()));
    }

    private String run() {
        CliRun run = CliRun.of("batch", "--threads", "1", folder.resolve("in.jsonl").toString(), folder.resolve("out.jsonl").toString());
        assertEquals(0, run.code(), run.err());
        return run.err();
    }

    @Test
    void everyLineHasItsAnswer() throws IOException {
        String chat = "{\"messages\": [{\"role\": \"user\", \"content\": \"Once\"}], \"max_tokens\": 4, \"temperature\": 0}";
        Files.write(folder.resolve("in.jsonl"), List.of(
                request("a", "/v1/chat/completions", chat), "", request("b", "/v1/completions", "{\"prompt\": \"Once\", \"max_tokens\": 3}"),
                request("c", "/v1/embeddings", "{\"input\": [\"x\"]}"), request("d", "/v1/completions", "{\"prompt\": 7}"),
                request("e", "/v1/files", "{}"), request("f", "/v1/completions", "{\"prompt\": \"x\", \"stream\": true}"), "{no json"));
        assertTrue(run().contains("3 answered, 4 refused"));
        Map<String, JsonObject> all = answers();
        assertEquals(7, all.size());
        for (String good : List.of("a", "b", "c")) {
            assertEquals(200, all.get(good).getAsJsonObject("response").get("status_code").getAsInt(), all.get(good).toString());
            assertTrue(all.get(good).get("error").isJsonNull());
        }
        assertEquals(400, all.get("d").getAsJsonObject("response").get("status_code").getAsInt());
        assertTrue(all.get("d").toString().contains("prompt"), all.get("d").toString());
        assertTrue(all.get("e").getAsJsonObject("error").get("message").getAsString().contains("/v1/responses"));
        assertTrue(all.get("f").getAsJsonObject("error").get("message").getAsString().contains("stream"));
        assertTrue(all.get("line-8").getAsJsonObject("error").get("message").getAsString().contains("no JSON"));

        // Killed while it wrote: what is whole stays, the rest is answered.
        List<String> lines = Files.readAllLines(folder.resolve("out.jsonl"));
        Files.write(folder.resolve("out.jsonl"), lines.subList(0, 5));
        Files.writeString(folder.resolve("out.jsonl"), lines.get(5).substring(0, 20), StandardOpenOption.APPEND);
        assertTrue(run().contains("5 were answered before"));
        assertEquals(all.keySet(), answers().keySet());
        assertEquals(lines.subList(0, 5), Files.readAllLines(folder.resolve("out.jsonl")).subList(0, 5));
    }

    @Test
    void filesThatCannotBeMeant() throws IOException {
        String in = folder.resolve("in.jsonl").toString();
        assertTrue(CliRun.bad(2, "batch", in, folder.resolve("out.jsonl").toString()).contains("there is no file"));
        Files.write(folder.resolve("in.jsonl"), List.of(request("a", "/v1/completions", "{}"), request("a", "/v1/completions", "{}")));
        assertTrue(CliRun.bad(2, "batch", in, in).contains("file of the requests"));
        Files.writeString(folder.resolve("out.jsonl"), "something else\n");
        CliRun other = CliRun.of("batch", "--threads", "1", in, folder.resolve("out.jsonl").toString());
        assertTrue(other.code() == 2 && other.err().contains("name another file"), other.err());
        Files.delete(folder.resolve("out.jsonl"));
        CliRun twice = CliRun.of("batch", "--threads", "1", in, folder.resolve("out.jsonl").toString());
        assertTrue(twice.code() == 1 && twice.err().contains("custom_id a was there before"), twice.err());
    }
}
