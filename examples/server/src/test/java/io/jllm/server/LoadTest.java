package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.demo.DemoModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/** Very many clients at once, of whom some leave early: everybody else is answered to the end, and nothing is left of them. */
class LoadTest {
    private static final int CLIENTS = 256;
    private static final int TOKENS = 8;
    /** Of so many clients one leaves. */
    private static final int LEAVERS = 16;

    /** What a client got: answers, and answers that had no end. */
    private record Got(int answered, int lost) {
    }

    private static Got client(LlmServer server, int number, long end) throws IOException {
        int answered = 0;
        int lost = 0;
        do {
            try (var client = new RawClient(server)) {
                boolean stream = number % 2 == 0;
                client.post("/v1/completions", "{\"prompt\":\"Once upon a time " + number + " and " + answered + "\",\"max_tokens\":" + TOKENS
                        + ",\"ignore_eos\":true,\"stream\":" + stream + "}");
                if (number % LEAVERS == 0) {
                    client.readUntil("\"text\"");
                } else {
                    String reply = client.readUntil(stream ? "[DONE]" : "\"usage\"");
                    lost += reply.startsWith("HTTP/1.1 200") && reply.contains("\"finish_reason\":\"length\"") ? 0 : 1;
                    answered++;
                }
            }
        } while (System.nanoTime() < end);
        return new Got(answered, lost);
    }

    private static Set<Thread> threads() {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().matches("(HTTP-Dispatcher|jllm-).*|.*idle-timeout.*|.*req-rsp-timeout.*"))
                .collect(Collectors.toSet());
    }

    /** For as long as {@code -Djllm.load.seconds} says; without it each asks once. */
    @Test
    void nobodyIsLost(TestReporter reporter) throws Exception {
        Set<Thread> before = threads();
        long end = System.nanoTime() + Integer.getInteger("jllm.load.seconds", 0) * 1_000_000_000L;
        var got = new ArrayList<Got>();
        try (LLM llm = LLM.load(DemoModel.path()).maxSequences(CLIENTS).open(); Served served = Served.with(llm, b -> b.accessLog(_ -> { }));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Got>> futures = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                int number = i;
                futures.add(threads.submit((Callable<Got>) () -> client(served.server, number, end)));
            }
            for (Future<Got> f : futures) {
                got.add(f.get());
            }
            while (served.server.activeRequests() > 0 || llm.metrics().running() + llm.metrics().waiting() > 0) {
                Thread.sleep(5);
            }
            assertEquals(0, llm.metrics().usedKvBlocks());
        }
        reporter.publishEntry("answered", Integer.toString(got.stream().mapToInt(Got::answered).sum()));
        assertEquals(0, got.stream().mapToInt(Got::lost).sum());
        assertTrue(got.stream().mapToInt(Got::answered).sum() >= CLIENTS - CLIENTS / LEAVERS);
        for (Thread thread : threads()) {
            if (!before.contains(thread)) {
                thread.join(); // it is ending, or this test does not
            }
        }
    }
}
