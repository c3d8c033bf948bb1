package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.EngineMetrics;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.engine.FaultyRunner.Call;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * A backend that fails at any call, with anything, memory included: every request ends exactly once, good results are what they
 * are without faults, nothing is held afterwards, and the engine serves on or is closed and says so.
 */
@Isolated("silences the log")
class RandomFaultsTest {
    private static final EngineOptions OPTIONS = TinyLlm.options(6, 48, 8, 320);
    private static final int REQUESTS = 20;
    /** What each request gets without faults. Not made in the class's initializer: the engine's thread needs the class meanwhile. */
    private static final List<RequestOutput> GOOD = new ArrayList<>();
    private static final Logger LOGGER = Logger.getLogger("io.jllm");

    private final Map<Call, Integer> failed = new EnumMap<>(Call.class);
    private int closedByFault;
    private int goodResults;

    @BeforeEach
    void silence() {
        LOGGER.setLevel(Level.OFF); // hundreds of failures would be logged, as they should
    }

    @AfterEach
    void speak() {
        LOGGER.setLevel(null);
    }

    /** Prompts that begin alike, several outputs, beams, processors and log-probabilities: every call of a runner is needed. */
    private static RequestHandle start(LLM llm, int i) {
        int[] prompt = new Random(i % 4).ints(20 + i, 0, LetterTokenizer.VOCAB).toArray();
        if (i == REQUESTS - 1) { // outlives all others, so that some steps need nothing on the host
            return llm.submit(new Request(Prompt.ofTokens(prompt), SamplingParams.builder().seed(i).maxTokens(40).ignoreEos(true).build()));
        }
        if (i % 5 == 4) {
            return llm.submit(Prompt.ofTokens(prompt), BeamSearchParams.builder(2 + i % 3).maxTokens(12).ignoreEos(true).build());
        }
        var params = SamplingParams.builder().temperature(i % 2).seed(i).maxTokens(5 + i).ignoreEos(true).n(1 + i % 3);
        switch (i % 4) {
            case 0 -> params.logprobs(2);
            case 1 -> params.promptLogprobs(1);
            case 2 -> params.logitsProcessor(() -> (_, _, _, logits) -> logits[3] += 1);
            default -> params.frequencyPenalty(0.5);
        }
        return llm.submit(new Request(Prompt.ofTokens(prompt), params.build()));
    }

    @BeforeAll
    static void withoutFaults() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            for (int i = 0; i < REQUESTS; i++) {
                GOOD.add(start(llm, i).result().join());
            }
        }
        GOOD.forEach(g -> assertTrue(g.error().isEmpty(), () -> g.error().toString()));
    }

    /** @param late whether the runner overlaps */
    private void round(long seed, boolean late, Map<Call, Integer> odds) {
        var heard = new Recorder();
        var runner = new FaultyRunner[1];
        LLM llm = TinyLlm.open(OPTIONS, r -> runner[0] = new FaultyRunner(late ? new LateRunner(r) : r, seed), heard);
        var started = new ArrayList<RequestHandle>();
        try (llm) {
            runner[0].fail(odds);
            var order = new Random(seed);
            try {
                for (int i = 0; i < REQUESTS; i++) {
                    RequestHandle handle = start(llm, i);
                    started.add(handle);
                    if (order.nextInt(8) == 0) {
                        handle.cancel();
                    }
                }
            } catch (IllegalStateException e) {
                assertTrue(e.getMessage().contains("its engine failed"), e.getMessage());
            }
            for (int i = 0; i < started.size(); i++) {
                check(i, started.get(i).result().join());
            }
            if (odds.containsKey(Call.CLOSE)) {
                return;
            }
            runner[0].fail(Map.of());
            serveOrBeClosed(llm);
        } finally {
            llm.close();
            runner[0].failed().forEach((call, times) -> failed.merge(call, times, Integer::sum));
            assertEquals(1, runner[0].closed.get());
            assertEquals(0, llm.memory().weights() + llm.memory().kv() + llm.memory().scratch());
            for (RequestHandle h : started) {
                assertEquals(1, heard.outputs.stream().filter(o -> o.requestId() == h.requestId()).count(), "each ends once");
            }
            EngineMetrics m = llm.metrics();
            assertEquals(heard.outputs.size(), m.finished());
            assertEquals(m.kvBlocks(), m.freeKvBlocks());
            assertEquals(0, m.running() + m.waiting());
        }
    }

    private void check(int i, RequestOutput out) {
        switch (out.finishReason()) {
            case ERROR -> assertTrue(out.error().orElseThrow().toString().contains("pretended"), () -> out.error().toString());
            case CANCELLED -> assertTrue(out.error().isEmpty());
            default -> {
                RequestOutput good = GOOD.get(i);
                assertTrue(out.error().isEmpty());
                for (int o = 0; o < out.outputs().size(); o++) {
                    if (out.outputs().get(o).finishReason() != FinishReason.CANCELLED) {
                        assertArrayEquals(good.outputs().get(o).tokenIds(), out.outputs().get(o).tokenIds(), "request " + i);
                    }
                }
                goodResults++;
            }
        }
    }

    /** Nothing is held, and a request gets what it gets without faults; or everybody is told that the engine failed. */
    private void serveOrBeClosed(LLM llm) {
        try {
            for (int i = 0; i < REQUESTS; i += 3) {
                RequestOutput out = start(llm, i).result().join();
                assertTrue(out.error().isEmpty(), () -> out.error().toString());
                check(i, out);
            }
            while (llm.metrics().running() + llm.metrics().waiting() > 0) {
                Thread.onSpinWait();
            }
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
        } catch (IllegalStateException e) {
            assertTrue(e.getMessage().contains("its engine failed") && e.getCause().toString().contains("pretended"), e.getMessage());
            assertThrows(IllegalStateException.class, () -> llm.generate("hello", SamplingParams.greedy()));
            closedByFault++;
        }
    }

    @Test
    void oneKindAtATime() {
        for (Call call : Call.values()) {
            for (int odds : new int[] {1, 3, 12}) {
                round(31L * call.ordinal() + odds, odds != 3, Map.of(call, odds));
            }
        }
        for (Call call : Call.values()) {
            assertTrue(failed.getOrDefault(call, 0) > 0, call + " never failed");
        }
        assertTrue(closedByFault > 0, "a backend that never releases a slot cannot be served from");
        assertTrue(goodResults > 300, "good results: " + goodResults);
    }

    @Test
    void allKindsAtOnce() {
        for (int seed = 0; seed < 40; seed++) {
            var odds = new EnumMap<Call, Integer>(Call.class);
            var random = new Random(seed);
            for (Call call : Call.values()) {
                if (call != Call.CLOSE && random.nextBoolean()) {
                    odds.put(call, 2 + random.nextInt(call == Call.FORWARD || call == Call.SAMPLE ? 60 : 20));
                }
            }
            round(seed, seed % 2 == 0, odds);
        }
        assertTrue(closedByFault < 20, "closed by faults: " + closedByFault);
        assertTrue(goodResults > 150, "good results: " + goodResults);
    }
}
