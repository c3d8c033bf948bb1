package io.jllm.jmh.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.jmh.models.Models;
import io.jllm.server.LlmServer;
import org.junit.jupiter.api.Test;

/** What measures the server counts what the engine has generated. */
class ClientsTest {
    private static final int CLIENTS = 5;

    @Test
    void countWhatTheyGet() throws Exception {
        try (LLM llm = Models.load(Models.DEMO).threads(1).open();
                LlmServer server = LlmServer.builder().model(Models.DEMO, llm).port(0).accessLog(_ -> { }).start();
                var process = new ClientProcess(server.port())) {
            check(Load.of(llm, CLIENTS, 0.1), llm, 0);
            long before = llm.metrics().generatedTokens();
            check(Clients.run(server.port(), CLIENTS, 0.1), llm, before);
            before = llm.metrics().generatedTokens();
            Load other = process.load(CLIENTS, 0.1);
            check(other, llm, before);
            assertEquals(other.tokens(), Load.read(other.line()).tokens());
        }
    }

    private static void check(Load load, LLM llm, long before) {
        assertEquals(0, load.lost());
        assertTrue(load.firstNanos().length >= CLIENTS);
        assertEquals(load.firstNanos().length * (long) Load.TOKENS, load.tokens());
        assertEquals(llm.metrics().generatedTokens() - before, load.tokens());
        assertTrue(load.firstNanos()[0] > 0 && load.tokensPerSecond() > 0 && load.cpuMillis() > 0);
    }
}
