package io.jllm.engine.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.EngineMetrics;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.RequestOutput.Percentiles;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.engine.LetterTokenizer;
import io.jllm.engine.RunnerDouble;
import io.jllm.engine.TinyLlm;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Every number that an engine publishes is filled, with what really happened. */
class EngineMetricsTest {
    private static final SamplingParams TEN = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(10).build();

    private static Request request(int seed, int length, SamplingParams params) {
        return new Request(Prompt.ofTokens(new Random(seed).ints(length, 0, LetterTokenizer.VOCAB).toArray()), params);
    }

    /** When the last step is counted: results come a moment before. */
    private static EngineMetrics idle(LLM llm) {
        EngineMetrics m = llm.metrics();
        while (m.running() + m.waiting() > 0 || m.batchSize() > 0) {
            Thread.onSpinWait();
            m = llm.metrics();
        }
        return m;
    }

    @Test
    void ofAFreshEngine() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 64, 16, 512))) {
            EngineMetrics m = llm.metrics();
            assertEquals(Map.of(FinishReason.STOP, 0L, FinishReason.LENGTH, 0L, FinishReason.CANCELLED, 0L, FinishReason.ERROR, 0L), m.finishedBy());
            assertEquals(0, m.steps() + m.computedTokens() + m.generatedTokens());
            assertEquals(0, m.generatedPerSecond() + m.prefilledPerSecond() + m.meanBatchSize() + m.kvUse());
            assertEquals(32, m.kvBlocks());
            assertEquals(32, m.freeKvBlocks());
        }
    }

    @Test
    void countsTokensStepsAndBlocks() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 64, 16, 512))) {
            llm.generate(List.of(request(1, 40, TEN)));
            EngineMetrics m = idle(llm);
            assertEquals(10, m.steps());
            assertEquals(49, m.computedTokens());
            assertEquals(40, m.prefillTokens());
            assertEquals(10, m.generatedTokens());
            assertEquals(0, m.cachedTokens());
            assertEquals(1.0, m.meanBatchSize());
            assertEquals(3, m.cachedKvBlocks(), "49 positions fill three blocks, which are kept");
            assertEquals(32, m.freeKvBlocks());
            assertTrue(m.busy().isPositive() && m.busy().compareTo(m.uptime()) <= 0, m.toString());
            if (m.uptime().compareTo(Duration.ofSeconds(10)) < 0) { // rates are of that time at most, and begin to count when all is open
                assertTrue(m.generatedPerSecond() >= 10 / seconds(m), m.toString());
                assertEquals(4 * m.generatedPerSecond(), m.prefilledPerSecond(), 1e-6 * m.prefilledPerSecond());
            }

            llm.generate(List.of(request(1, 40, TEN.toBuilder().n(2).build())));
            m = idle(llm);
            assertEquals(32, m.cachedTokens());
            assertEquals(49 + 8 + 2 * 9, m.computedTokens());
            assertEquals(40 + 8, m.prefillTokens());
            assertEquals(30, m.generatedTokens());
            assertEquals((10 + 1 + 9 * 2) / 20.0, m.meanBatchSize());
            assertEquals(2, m.finishedBy().get(FinishReason.LENGTH));
            llm.resetPrefixCache();
            while (llm.metrics().cachedKvBlocks() > 0) {
                Thread.onSpinWait();
            }
        }
    }

    private static double seconds(EngineMetrics m) {
        return m.uptime().toNanos() / 1e9;
    }

    @Test
    void tellsTheEndsApart() throws Exception {
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 64, 16, 512))) {
            SamplingParams failing = TEN.toBuilder().logitsProcessor(() -> (_, _, _, _) -> {
                throw new IllegalArgumentException("no");
            }).build();
            int second = llm.generate(List.of(request(1, 5, TEN))).getFirst().tokenIds()[1];
            llm.generate(List.of(request(1, 5, TEN.toBuilder().stopTokenIds(List.of(second)).build()), request(2, 5, failing),
                    request(3, 5, failing), new Request(Prompt.ofTokens(-1), TEN)));
            TokenStream stream = llm.stream(Prompt.of("hello"), TEN.toBuilder().n(2).maxTokens(200).build());
            stream.iterator().next();
            stream.close();
            stream.result().get();
            EngineMetrics m = idle(llm);
            assertEquals(Map.of(FinishReason.STOP, 1L, FinishReason.LENGTH, 1L, FinishReason.CANCELLED, 1L, FinishReason.ERROR, 2L), m.finishedBy());
            assertEquals(5, m.finished());
            assertEquals(1, m.refused());
        }
    }

    @Test
    void seesWhatRunsWaitsAndRests() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(2, 64, 16, 512))) {
            SamplingParams longer = TEN.toBuilder().maxTokens(200).build();
            TokenStream slow = llm.stream(Prompt.of("hello"), longer);
            var it = slow.iterator();
            it.next();
            while (llm.metrics().paused() == 0) {
                Thread.onSpinWait();
            }
            EngineMetrics m = llm.metrics();
            assertEquals(1, m.running());
            assertEquals(1, m.paused());
            assertTrue(m.usedKvBlocks() >= 4 && m.kvUse() == m.usedKvBlocks() / 32.0, m.toString());
            assertEquals(m.kvBlocks() - m.usedKvBlocks(), m.freeKvBlocks());
            TokenStream wide = llm.stream(Prompt.of("other"), longer.toBuilder().n(2).build());
            var widely = wide.iterator();
            widely.next();
            while (llm.metrics().waiting() < 1 || llm.metrics().paused() < 2) {
                Thread.onSpinWait(); // the wide one displaced the resting one, and rests now itself
            }
            assertEquals(2, llm.metrics().running());
            assertEquals(1, llm.metrics().preemptions());
            wide.close();
            slow.close();
            assertEquals(0, idle(llm).running());
        }
    }

    @Test
    void ofARequest() {
        var all = new CountDownLatch(1);
        try (LLM llm = TinyLlm.open(TinyLlm.options(2, 64, 16, 512), r -> new RunnerDouble(r, b -> {
            await(all);
            pause(b.tokens > 1 ? 30 : 5);
        }))) {
            var asked = new ArrayList<RequestHandle>();
            for (int i = 0; i < 3; i++) {
                asked.add(llm.submit(request(i, 20, TEN)));
            }
            all.countDown();
            List<RequestOutput> out = asked.stream().map(h -> h.result().join()).toList();
            for (RequestOutput o : out) {
                RequestOutput.Metrics m = o.metrics();
                Percentiles p = m.interToken().orElseThrow();
                assertTrue(m.timeToFirstToken().minus(m.queued()).compareTo(Duration.ofMillis(30)) >= 0, m.toString());
                assertTrue(p.p50().compareTo(Duration.ofMillis(4)) >= 0, m.toString());
                assertTrue(p.max().compareTo(p.p99()) >= 0 && p.p99().compareTo(p.p90()) >= 0 && p.p90().compareTo(p.p50()) >= 0, m.toString());
                assertTrue(m.total().compareTo(m.timeToFirstToken().plus(p.max())) >= 0, m.toString());
                assertTrue(m.total().compareTo(m.timeToFirstToken().plus(p.p50().multipliedBy(4))) >= 0, m.toString());
                assertEquals(20, m.promptTokens());
                assertEquals(10, m.generatedTokens());
            }
            Duration third = out.getLast().metrics().queued();
            assertTrue(third.compareTo(Duration.ofMillis(75)) >= 0, "it waited for one of the two before it: " + third);
        }
    }

    @Test
    void fewerThanTwoTokensHaveNoWaitBetween() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(8, 64, 16, 512))) {
            RequestOutput one = llm.generate(List.of(request(1, 5, TEN.toBuilder().maxTokens(1).build()))).getFirst();
            assertTrue(one.metrics().interToken().isEmpty());
            RequestOutput ofEach = llm.generate(List.of(request(1, 5, TEN.toBuilder().maxTokens(1).n(3).build()))).getFirst();
            assertTrue(ofEach.metrics().interToken().isEmpty(), "three tokens of one step");
            assertFalse(llm.generate(List.of(request(1, 5, TEN.toBuilder().maxTokens(2).n(3).build()))).getFirst().metrics().interToken().isEmpty());
        }
    }

    @Test
    void standStillWhenClosed() {
        LLM llm = TinyLlm.open(TinyLlm.options(2, 64, 16, 512));
        llm.generate(List.of(request(1, 40, TEN)));
        llm.close();
        EngineMetrics closed = llm.metrics();
        assertEquals(closed.uptime(), llm.metrics().uptime());
        assertEquals(1, closed.finished());
        assertEquals(0, closed.usedKvBlocks());
        assertEquals(0, llm.memory().kv());
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
