package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.demo.DemoModel;
import io.jllm.server.LlmServer;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a client computes from echoed log-probabilities, as evaluation harnesses do, is what {@code perplexity} says of the same text. */
class ServedPerplexityTest {
    private static final int WINDOW = 64;
    private static final String TEXT = "Once upon a time there was a king who had three daughters, and the youngest was so fair that the sun itself wondered. ".repeat(8);

    @Test
    void isTheSame(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("text"), TEXT);
        double said = CliRun.json("perplexity", "--text", file.toString(), "--context", Integer.toString(WINDOW), "--json", "--threads", "1")
                .get("perplexity").getAsDouble();
        double sum = 0;
        int count = 0;
        try (LLM llm = LLM.load(DemoModel.path()).threads(1).open(); LlmServer server = LlmServer.builder().model("demo", llm).port(0).start();
                HttpClient client = HttpClient.newHttpClient()) {
            int begin = llm.tokenizer().bos().orElseThrow();
            int[] all = llm.tokenizer().encode(TEXT);
            assertEquals(begin, all[0]);
            for (int from = 0; from + WINDOW <= all.length; from += WINDOW) {
                int[] window = Arrays.copyOfRange(all, from, from + WINDOW);
                window[0] = begin;
                String body = "{\"prompt\":" + Arrays.toString(window) + ",\"echo\":true,\"logprobs\":1,\"max_tokens\":0}";
                String reply = client.send(HttpRequest.newBuilder(server.uri().resolve("/v1/completions")).POST(BodyPublishers.ofString(body)).build(),
                        BodyHandlers.ofString()).body();
                JsonArray logprobs = JsonParser.parseString(reply).getAsJsonObject().getAsJsonArray("choices").get(0).getAsJsonObject()
                        .getAsJsonObject("logprobs").getAsJsonArray("token_logprobs");
                for (int i = WINDOW / 2 + 1; i < WINDOW; i++) {
                    sum += logprobs.get(i).getAsDouble();
                    count++;
                }
            }
        }
        assertEquals(said, Math.exp(-sum / count), 1e-5 * said);
    }
}
