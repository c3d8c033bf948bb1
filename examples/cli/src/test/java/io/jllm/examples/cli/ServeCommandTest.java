package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Output;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ServeCommandTest {
    private static final Pattern READY = Pattern.compile("serving (\\S+) at (\\S+)");

    @Test
    void servesTheDemoModelUntilInterrupted() throws Exception {
        var out = new ByteArrayOutputStream();
        var words = new PipedInputStream(1 << 16);
        var console = new Console(new Output(out), new PrintStream(new PipedOutputStream(words), true, StandardCharsets.UTF_8),
                new ByteArrayInputStream(new byte[0]), false, () -> true);
        var code = new CompletableFuture<Integer>();
        Thread serving = Thread.ofPlatform().start(() -> code.complete(Cli.run(new String[] {"serve", "--port", "0", "--threads", "1"}, console)));
        var lines = new BufferedReader(new InputStreamReader(words, StandardCharsets.UTF_8));
        Matcher ready = READY.matcher(lines.readLine());
        while (!ready.matches()) {
            ready = READY.matcher(lines.readLine());
        }
        URI uri = URI.create(ready.group(2));
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertEquals("fairytale-23m-Q4_0", ready.group(1));
            // The demo model has no chat template, and is talked to in ChatML.
            HttpResponse<String> reply = client.send(HttpRequest.newBuilder(uri.resolve("/v1/chat/completions"))
                    .POST(HttpRequest.BodyPublishers.ofString("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_tokens\":3}")).build(),
                    BodyHandlers.ofString());
            assertEquals(200, reply.statusCode(), reply.body());
            assertTrue(lines.readLine().contains("POST /v1/chat/completions 200"));
            serving.interrupt();
            assertEquals(0, code.get());
            assertThrows(IOException.class, () -> client.send(HttpRequest.newBuilder(uri.resolve("/health")).build(), BodyHandlers.ofString()));
        }
        assertEquals("", out.toString(StandardCharsets.UTF_8));
    }
}
