package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.demo.DemoModel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What is too large, too slow, too much, or from the wrong place. */
class LimitsTest {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String ASK = "{\"prompt\":\"Once\",\"max_tokens\":1}";

    /** Asks for more than buffers hold: twenty alternatives for each token. */
    private static final String UNREAD;

    static {
        String body = "{\"prompt\":[" + "\"Once\",".repeat(5) + "\"Once\"],\"max_tokens\":1000,\"ignore_eos\":true,\"logprobs\":20,\"stream\":true}";
        UNREAD = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static LLM llm;

    @BeforeAll
    static void open() {
        llm = Served.demo();
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    private static void servesOn(Served served) throws IOException, InterruptedException {
        served.ask(COMPLETIONS, ASK);
    }

    private static boolean isRefused(String reply) {
        return reply.isEmpty() || reply.startsWith("<reset>") || reply.startsWith("HTTP/1.1 4");
    }

    @Test
    void bodiesThatAreTooLarge() throws Exception {
        try (Served served = Served.with(llm, b -> b.maxBodyBytes(2000))) {
            JsonObject error = served.error(413, COMPLETIONS, "{\"prompt\":\"" + "x".repeat(5000) + "\"}");
            assertTrue(error.get("message").getAsString().contains("2000"));
            try (var client = new RawClient(served.server)) { // announced, and never sent
                client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n");
                assertTrue(client.readUntil("\r\n\r\n").startsWith("HTTP/1.1 413"));
            }
            try (var client = new RawClient(served.server)) { // in chunks, without an end
                client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
                for (int i = 0; i < 3; i++) {
                    client.send("400\r\n" + "x".repeat(0x400) + "\r\n");
                }
                assertTrue(client.readUntil("\r\n\r\n").startsWith("HTTP/1.1 413"));
            }
            servesOn(served);
        }
    }

    @Test
    void bodiesThatDoNotCome() throws Exception {
        try (Served served = Served.with(llm, b -> b.bodyTimeout(Duration.ofMillis(200)))) {
            try (var client = new RawClient(served.server)) {
                client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
                assertTrue(isRefused(client.readAll()));
            }
            servesOn(served);
            assertTrue(served.log.getFirst().contains(" 499 "), served.log.toString());
        }
    }

    @Test
    void whatIsNoHttp() throws Exception {
        try (Served served = Served.with(llm, b -> b)) {
            for (String sent : List.of("\r\n\r\n\r\n", "GARBAGE\r\n\r\n", "GET\r\n\r\n", "\u0000\u0001\u0002\r\n\r\n", "GET / HTTP/9.9.9\r\n\r\n",
                    "GET http://[bad HTTP/1.1\r\n\r\n", "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n{}",
                    "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n{}",
                    "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
                    "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n{}",
                    "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}{}{}{}")) {
                try (var client = new RawClient(served.server)) {
                    client.send(sent);
                    client.socket().shutdownOutput();
                    String reply = client.readAll();
                    assertTrue(isRefused(reply), sent + " -> " + reply);
                }
            }
            servesOn(served);
        }
    }

    @Test
    void floodsOfHeaders() throws Exception {
        try (Served served = Served.with(llm, b -> b)) {
            for (String line : List.of("X-%d: y\r\n", "X: " + "y".repeat(1000) + "%d\r\n", "X-%d: " + "z".repeat(200_000) + "\r\n")) {
                try (var client = new RawClient(served.server)) {
                    client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n");
                    String reply;
                    try {
                        for (int i = 0; i < 20_000 && client.socket().getInputStream().available() == 0; i++) {
                            client.send(line.formatted(i));
                        }
                        reply = client.readUntil("\r\n\r\n");
                    } catch (IOException e) {
                        reply = "<reset>";
                    }
                    assertTrue(isRefused(reply), reply);
                }
            }
            servesOn(served);
        }
    }

    @Test
    void readersThatDoNotRead() throws Exception {
        try (Served served = Served.with(llm, b -> b.writeTimeout(Duration.ofMillis(400)).keepAlive(Duration.ofMillis(100)))) {
            long cancelled = llm.metrics().finishedBy().get(FinishReason.CANCELLED);
            try (var socket = new Socket()) {
                socket.setReceiveBufferSize(1024);
                socket.connect(new InetSocketAddress("127.0.0.1", served.server.port()));
                socket.getOutputStream().write(UNREAD.getBytes());
                while (served.server.activeRequests() == 0) {
                    Thread.sleep(5);
                }
                servesOn(served);
                while (served.server.activeRequests() > 0 || llm.metrics().usedKvBlocks() > 0) {
                    Thread.sleep(5);
                }
            }
            assertTrue(llm.metrics().finishedBy().get(FinishReason.CANCELLED) > cancelled, "they were cancelled, not finished");
            servesOn(served);
        }
    }

    /** Nor do they hold the server up when it stops: this waits for an hour if they do. */
    @Test
    void theEndDoesNotWaitForThem() throws Exception {
        try (Served served = Served.with(llm, b -> b.writeTimeout(Duration.ofHours(1)).stopTimeout(Duration.ZERO)); var socket = new Socket()) {
            socket.setReceiveBufferSize(1024);
            socket.connect(new InetSocketAddress("127.0.0.1", served.server.port()));
            socket.getOutputStream().write(UNREAD.getBytes());
            while (llm.metrics().paused() == 0) { // its reader is behind: the buffers are full
                Thread.sleep(5);
            }
            served.server.close();
            while (llm.metrics().usedKvBlocks() > 0) {
                Thread.sleep(5);
            }
        }
    }

    /** Who has no more to say may still listen, and is answered to the end; who ends in the midst of a request is not waited for. */
    @Test
    void halfClosedSockets() throws Exception {
        try (Served served = Served.with(llm, b -> b)) {
            for (boolean stream : new boolean[] {true, false}) {
                try (var client = new RawClient(served.server)) {
                    client.post(COMPLETIONS, "{\"prompt\":\"Once\",\"max_tokens\":30,\"ignore_eos\":true,\"stream\":" + stream + "}");
                    client.socket().shutdownOutput();
                    String reply = client.readAll();
                    assertTrue(reply.startsWith("HTTP/1.1 200") && reply.contains("\"finish_reason\":\"length\""), reply);
                }
            }
            for (String part : List.of("POST /v1/completions HTTP/1.1\r\nHost: loc", "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{\"pro")) {
                try (var client = new RawClient(served.server)) {
                    client.send(part);
                    client.socket().shutdownOutput();
                    assertTrue(isRefused(client.readAll()));
                }
            }
            servesOn(served);
            while (served.server.activeRequests() > 0) {
                Thread.sleep(5);
            }
        }
    }

    @Test
    void requestsInHand() throws Exception {
        try (Served served = Served.with(llm, b -> b.maxRequests(1)); var client = new RawClient(served.server)) {
            client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n");
            while (served.server.activeRequests() == 0) {
                Thread.sleep(5);
            }
            HttpResponse<String> busy = served.post(COMPLETIONS, ASK);
            assertEquals(429, busy.statusCode());
            assertEquals("1", busy.headers().firstValue("Retry-After").orElse(""));
            assertTrue(busy.body().contains("rate_limit_exceeded"));
        }
    }

    @Test
    void fullQueues() throws Exception {
        try (LLM small = LLM.load(DemoModel.path()).threads(1).maxSequences(1).maxQueuedRequests(1).open();
                Served served = Served.with(small, b -> b.keepAlive(Duration.ofMillis(50)))) {
            var clients = new ArrayList<RawClient>();
            for (int i = 0; i < 2; i++) {
                clients.add(new RawClient(served.server));
                clients.getLast().post(COMPLETIONS, "{\"prompt\":\"Once\",\"max_tokens\":1000,\"ignore_eos\":true}");
                int sent = i;
                while (small.metrics().running() + small.metrics().waiting() < sent + 1) {
                    Thread.sleep(1);
                }
            }
            for (String path : List.of(COMPLETIONS, "/v1/embeddings")) {
                HttpResponse<String> full = served.post(path, "{\"prompt\":\"a\",\"input\":\"a\"}");
                assertEquals(429, full.statusCode(), full.body());
                assertTrue(full.headers().firstValue("Retry-After").isPresent());
            }
            HttpResponse<String> full = served.post("/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":1}");
            assertTrue(full.statusCode() == 429 && full.body().contains("\"type\":\"error\""), full.body());
            for (RawClient c : clients) {
                c.close();
            }
        }
    }

    @Test
    void keys() throws Exception {
        try (Served served = Served.with(llm, b -> b.apiKeys(List.of("one", "zwei-ö")))) {
            HttpResponse<String> none = served.post(COMPLETIONS, ASK);
            assertEquals(401, none.statusCode());
            assertEquals("Bearer", none.headers().firstValue("WWW-Authenticate").orElse(""));
            assertTrue(none.body().contains("invalid_api_key"));
            assertEquals(401, served.post(COMPLETIONS, ASK, "Authorization", "Bearer on").statusCode());
            assertEquals(401, served.post(COMPLETIONS, ASK, "Authorization", "Basic one").statusCode());
            assertEquals(401, served.get("/metrics").statusCode());
            assertEquals(200, served.post(COMPLETIONS, ASK, "Authorization", "Bearer one").statusCode());
            assertEquals(200, served.post(COMPLETIONS, ASK, "x-api-key", "one").statusCode());
            assertEquals(200, served.get("/health").statusCode());
            assertFalse(String.join("", served.log).contains("zwei"));
        }
    }

    private static int status(Served served, String headers) throws IOException {
        try (var client = new RawClient(served.server)) {
            client.send("GET /health HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
            return Integer.parseInt(client.readAll().split(" ")[1]);
        }
    }

    @Test
    void hostsAndOrigins() throws Exception {
        try (Served served = Served.with(llm, b -> b.allowedOrigins(Set.of("https://good.example")))) {
            int port = served.server.port();
            assertEquals(200, status(served, "Host: localhost:" + port + "\r\n"));
            assertEquals(200, status(served, "Host: 127.0.0.1\r\n"));
            assertEquals(403, status(served, "Host: evil.example\r\n"));
            assertEquals(403, status(served, "Host: localhost.evil.example:80\r\n"));
            assertEquals(403, status(served, "Host: localhost\r\nOrigin: https://evil.example\r\n"));
            assertEquals(403, status(served, "Host: localhost\r\nOrigin: null\r\n"));
            assertEquals(403, status(served, "Host: localhost:" + port + "\r\nOrigin: http://localhost:1\r\n"));
            assertEquals(200, status(served, "Host: localhost:" + port + "\r\nOrigin: http://localhost:" + port + "\r\n"));
            assertEquals(200, status(served, "Host: localhost\r\nOrigin: https://good.example\r\n"));
            try (var client = new RawClient(served.server)) {
                client.send("OPTIONS /v1/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: https://good.example\r\nConnection: close\r\n"
                        + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\r\n");
                String reply = client.readAll();
                Set<String> lines = reply.lines().map(String::toLowerCase).collect(Collectors.toSet());
                assertTrue(reply.startsWith("HTTP/1.1 204") && lines.contains("access-control-allow-origin: https://good.example")
                        && lines.contains("access-control-allow-headers: authorization"), reply);
            }
        }
    }

    @Test
    void heads() throws Exception {
        try (Served served = Served.with(llm, b -> b); var client = new RawClient(served.server)) {
            client.send("HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            String reply = client.readAll();
            assertTrue(reply.startsWith("HTTP/1.1 200") && reply.endsWith("\r\n\r\n"), reply);
        }
    }
}
