package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/**
 * Valid requests whose bytes on the wire were changed, their heads above all, and clients that behave badly with them: an error of the client's, or
 * a connection that is closed, and the server serves on.
 */
class WireMutationsTest {
    private static final int MOST_BODY = 20_000;
    private static final List<String> BODIES = List.of(
            "{\"prompt\":\"Once\",\"max_tokens\":3,\"ignore_eos\":true,\"stream\":true}",
            "{\"prompt\":\"Once\",\"max_tokens\":3,\"ignore_eos\":true}");
    private static final List<String> LINES = List.of("Host: evil.example", "Host:", "Content-Length: 0", "Content-Length: -1", "Content-Length: 99",
            "Content-Length: 99999999999999999999", "Content-Length: 5, 7", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "Expect: 100-continue",
            "Expect: something", "Connection: upgrade", "Upgrade: websocket", "Origin: null", "Origin: http://[", "Authorization: Bearer", "Authorization: \u0001",
            ": no name", "no colon", " folded", "\tfolded", "X\u0000Y: z", "X-Y: \u00ff\u0080", "Content-Type: application/json; charset=utf-7", "Cookie: " + "c=d; ".repeat(300),
            "Range: bytes=0-", "Content-Encoding: gzip", "If-Match: *", "TE: trailers", "Trailer: X", "X: " + "y".repeat(9000));
    private static final List<String> FIRST = List.of("POST /v1/completions HTTP/1.1", "POST /v1/completions HTTP/1.0", "POST /v1/completions HTTP/2.0",
            "POST /v1/completions", "POST http://localhost/v1/completions HTTP/1.1", "POST //v1/completions HTTP/1.1", "POST /v1/../v1/completions HTTP/1.1",
            "POST /v1/completions?x=%zz HTTP/1.1", "POST /%00 HTTP/1.1", "post /v1/completions HTTP/1.1", "GET /v1/completions HTTP/1.1", "HEAD /v1/models HTTP/1.1",
            "OPTIONS * HTTP/1.1", "CONNECT localhost:1 HTTP/1.1", "TRACE / HTTP/1.1", "GET /v1/models/" + "a".repeat(9000) + " HTTP/1.1", "POST  /v1/completions HTTP/1.1", "");

    private final Random random = new Random(21);

    private String pick(List<String> from) {
        return from.get(random.nextInt(from.size()));
    }

    private boolean oneOf(int n) {
        return random.nextInt(n) == 0;
    }

    /** A request, valid but for its head or its bytes. */
    private byte[] request() {
        String body = pick(BODIES);
        var head = new StringBuilder(oneOf(3) ? pick(FIRST) : FIRST.getFirst()).append("\r\n");
        if (!oneOf(12)) {
            head.append("Host: localhost\r\n");
        }
        boolean chunked = oneOf(4);
        head.append(chunked ? "Transfer-Encoding: chunked\r\n" : oneOf(12) ? "" : "Content-Length: " + body.length() + "\r\n");
        for (int i = random.nextInt(3); i > 0; i--) {
            head.append(pick(LINES)).append(oneOf(8) ? "\n" : "\r\n");
        }
        if (oneOf(20)) {
            head.append("X-Flood: y\r\n".repeat(1000));
        }
        head.append("\r\n");
        String sent = oneOf(20) ? "x".repeat(MOST_BODY + 10) : body;
        byte[] bytes = (head + (chunked ? Integer.toHexString(sent.length()) + "\r\n" + sent + "\r\n0\r\n\r\n" : sent)).getBytes(StandardCharsets.ISO_8859_1);
        for (int i = oneOf(2) ? 0 : random.nextInt(4); i > 0; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
    }

    /** Sends it in one of several manners; the status of the reply, 0 if there is none, which a client that left does not know either. */
    private int send(LlmServer server, byte[] bytes) throws IOException {
        try (var client = new RawClient(server)) {
            var out = client.socket().getOutputStream();
            int manner = random.nextInt(8);
            int part = manner < 2 ? random.nextInt(bytes.length + 1) : bytes.length;
            try {
                for (int at = 0; at < part;) {
                    int n = manner == 2 ? Math.min(1 + random.nextInt(40), part - at) : part - at;
                    out.write(bytes, at, n);
                    at += n;
                }
                if (manner == 0 || manner == 3) { // it leaves, by a reset or an end
                    client.socket().setSoLinger(manner == 0, 0);
                    return 0;
                }
                client.socket().shutdownOutput();
            } catch (IOException _) {
                // it is refused before it is sent: the reply says so
            }
            String all = client.readAll();
            String reply = all.startsWith("HTTP/1.1 100 ") ? all.substring(all.indexOf("\r\n\r\n") + 4) : all; // go on, says that one
            boolean none = reply.isEmpty() || reply.startsWith("<reset>");
            assertTrue(none || reply.startsWith("HTTP/1.1 "), reply);
            return none ? 0 : Integer.parseInt(reply.substring(9, 12));
        }
    }

    /** As many as {@code -Djllm.mutations} says. */
    @Test
    void areRefusedOrAnswered(TestReporter reporter) throws Exception {
        int count = Integer.getInteger("jllm.mutations", 500);
        var statuses = new TreeMap<Integer, Integer>();
        try (LLM llm = Served.demo(); Served served = Served.with(llm, b -> b.maxBodyBytes(MOST_BODY))) {
            for (int i = 0; i < count; i++) {
                byte[] bytes = request();
                int status = send(served.server, bytes);
                statuses.merge(status, 1, Integer::sum);
                // 501: the JDK's server knows no other transfer encoding than chunks.
                assertTrue(status == 0 || status == 200 || status == 204 || status / 100 == 4 || status == 501,
                        status + " for " + new String(bytes, StandardCharsets.ISO_8859_1));
            }
            reporter.publishEntry("statuses, 0 for none", statuses.toString());
            assertTrue(statuses.getOrDefault(200, 0) > count / 20 && statuses.getOrDefault(400, 0) > count / 50, statuses.toString());
            while (served.server.activeRequests() > 0) {
                Thread.sleep(5);
            }
            assertEquals(0, llm.metrics().usedKvBlocks());
            assertEquals(200, served.post("/v1/completions", BODIES.getLast()).statusCode());
        }
    }
}
