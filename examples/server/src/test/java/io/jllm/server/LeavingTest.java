package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.EngineListener;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.demo.DemoModel;
import java.io.IOException;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that leave: what they asked for ends, wherever it is, and its pages are free. The engine is slow on purpose, and computes a token a step:
 * what nobody ended would go on for minutes, and end by its length.
 */
class LeavingTest {
    private static final long STEP_NANOS = 20_000_000;
    private static final String LONG_PROMPT = "the old king and the young queen went far into the wood ".repeat(60);

    private LLM llm;
    private Served served;

    /** Holds each step up. */
    private static final class Brake implements EngineListener {
        private volatile boolean on = true;

        @Override
        public void stepStarted(long number) {
            if (on) {
                LockSupport.parkNanos(STEP_NANOS);
            }
        }
    }

    private final Brake brake = new Brake();

    @BeforeEach
    void open() throws IOException {
        llm = LLM.load(DemoModel.path()).threads(1).maxSequences(1).maxTokensPerStep(1).listener(brake).open();
        served = Served.with(llm, b -> b);
    }

    @AfterEach
    void close() {
        brake.on = false;
        served.close();
        llm.close();
    }

    private static String body(String prompt, boolean stream) {
        return "{\"prompt\":\"" + prompt + "\",\"max_tokens\":1000,\"ignore_eos\":true,\"stream\":" + stream + "}";
    }

    /** Until the engine has nothing in hand; if it is not cancelled, a test waits for minutes and then fails. */
    private void awaitNothing() throws InterruptedException {
        while (llm.metrics().running() + llm.metrics().waiting() > 0 || llm.metrics().usedKvBlocks() > 0 || served.server.activeRequests() > 0) {
            Thread.sleep(5);
        }
    }

    private void awaitComputed(long tokens) throws InterruptedException {
        while (llm.metrics().computedTokens() < tokens) {
            Thread.sleep(5);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void inTheMidstOfAnAnswer(boolean stream) throws Exception {
        try (var client = new RawClient(served.server)) {
            client.post("/v1/completions", body("Once", stream));
            awaitComputed(8);
        }
        awaitNothing();
        assertEquals(1, llm.metrics().finishedBy().get(FinishReason.CANCELLED));
        assertTrue(llm.metrics().generatedTokens() < 1000);
        assertTrue(served.log.getFirst().contains(" 499 "), served.log.toString());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void inTheMidstOfAPrompt(boolean stream) throws Exception {
        try (var client = new RawClient(served.server)) {
            client.post("/v1/completions", body(LONG_PROMPT, stream));
            awaitComputed(5);
        }
        awaitNothing();
        assertEquals(1, llm.metrics().finishedBy().get(FinishReason.CANCELLED));
        assertEquals(0, llm.metrics().generatedTokens());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void inTheQueue(boolean stream) throws Exception {
        try (var first = new RawClient(served.server)) {
            first.post("/v1/completions", body("Once", false));
            awaitComputed(1);
            try (var second = new RawClient(served.server)) {
                second.post("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":" + stream + "}");
                while (llm.metrics().waiting() == 0) {
                    Thread.sleep(5);
                }
            }
            while (llm.metrics().waiting() > 0) {
                Thread.sleep(5);
            }
            assertEquals(1, llm.metrics().finishedBy().get(FinishReason.CANCELLED), "the one that waits, not the one that runs");
            assertEquals(1, llm.metrics().running());
        }
        awaitNothing();
        assertEquals(2, llm.metrics().finishedBy().get(FinishReason.CANCELLED));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/embeddings", "/v1/responses", "/v1/messages"})
    void elsewhere(String path) throws Exception {
        String body = path.endsWith("embeddings") ? "{\"input\":\"" + LONG_PROMPT + "\"}"
                : path.endsWith("responses") ? "{\"input\":\"" + LONG_PROMPT + "\"}"
                : "{\"messages\":[{\"role\":\"user\",\"content\":\"" + LONG_PROMPT + "\"}],\"max_tokens\":900}";
        try (var client = new RawClient(served.server)) {
            client.post(path, body);
            awaitComputed(5);
        }
        awaitNothing();
        assertEquals(1, llm.metrics().finishedBy().get(FinishReason.CANCELLED));
        assertEquals(0, llm.metrics().generatedTokens());
    }

    /** Some of several prompts at once. */
    @Test
    void withSeveralPrompts() throws Exception {
        try (var client = new RawClient(served.server)) {
            client.post("/v1/completions", "{\"prompt\":[\"a\",\"b\",\"c\"],\"max_tokens\":900,\"ignore_eos\":true,\"stream\":true}");
            client.readUntil("\"index\":0");
            client.socket().setSoLinger(true, 0); // a reset, not an end
        }
        awaitNothing();
        assertEquals(3, llm.metrics().finishedBy().get(FinishReason.CANCELLED));
    }

    /** Between what means nothing there is the answer. */
    @Test
    void whoWaitsGetsTheAnswer() throws Exception {
        try (var client = new RawClient(served.server)) {
            client.post("/v1/completions", "{\"prompt\":\"" + LONG_PROMPT.substring(0, 220) + "\",\"max_tokens\":2}");
            String read = client.readUntil("\"usage\"");
            assertTrue(read.contains("Transfer-encoding: chunked") && read.contains("\r\n1\r\n\n\r\n"), read);
            assertTrue(read.contains("\"finish_reason\":\"length\""), read);
        }
        try (var client = new RawClient(served.server)) {
            client.post("/v1/completions", "{\"prompt\":\"" + LONG_PROMPT.substring(3, 223) + "\",\"max_tokens\":2,\"stream\":true}");
            String read = client.readUntil("[DONE]");
            assertTrue(read.contains(": keep-alive\n\n"), read);
        }
        awaitNothing();
        assertEquals(2, llm.metrics().finishedBy().get(FinishReason.LENGTH));
    }
}
