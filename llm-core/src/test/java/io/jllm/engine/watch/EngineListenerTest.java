package io.jllm.engine.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.EngineListener;
import io.jllm.EngineListener.Step;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import io.jllm.SamplingParams;
import io.jllm.engine.LetterTokenizer;
import io.jllm.engine.Recorder;
import io.jllm.engine.RunnerDouble;
import io.jllm.engine.TinyLlm;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Listeners hear of everything once, in order, and cannot do harm. */
@Isolated("reads the log")
class EngineListenerTest {
    private static final SamplingParams TEN = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(10).build();

    private static Request request(int seed, int length, SamplingParams params) {
        return new Request(Prompt.ofTokens(new Random(seed).ints(length, 0, LetterTokenizer.VOCAB).toArray()), params);
    }

    @Test
    void hearsOfARequest() {
        var heard = new Recorder();
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 32, 16, 512), r -> r, heard)) {
            RequestOutput first = llm.generate(List.of(request(1, 40, TEN))).getFirst();
            assertEquals(List.of("queued 40", "started 0", "first token", "finished LENGTH"), heard.of(first.requestId()));
            assertSame(first, heard.outputs.getFirst(), "it hears before the caller gets the result");
            RequestOutput again = llm.generate(List.of(request(1, 40, TEN))).getFirst();
            assertEquals(List.of("queued 40", "hit 32", "started 32", "first token", "finished LENGTH"), heard.of(again.requestId()));
            RequestOutput scored = llm.generate(List.of(request(2, 5, TEN.toBuilder().maxTokens(0).promptLogprobs(0).build()))).getFirst();
            assertEquals(List.of("queued 5", "started 0", "finished LENGTH"), heard.of(scored.requestId()));
        }
        Thread engine = heard.threads.getFirst();
        assertEquals("jllm-engine", engine.getName());
        assertTrue(heard.threads.stream().allMatch(t -> t == engine));
    }

    @Test
    void hearsOfSteps() {
        var heard = new Recorder();
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 32, 16, 512), r -> r, heard)) {
            llm.generate(List.of(request(1, 40, TEN)));
            awaitSteps(heard, 11);
            Step chunk = heard.steps.get(0);
            assertEquals(List.of(1L, 1, 32, 32, 0), List.of(chunk.number(), chunk.sequences(), chunk.tokens(), chunk.prefillTokens(),
                    chunk.decodeTokens()));
            Step rest = heard.steps.get(1);
            assertEquals(List.of(2L, 1, 8, 8, 0, 1, 0, 32, 3), List.of(rest.number(), rest.sequences(), rest.tokens(), rest.prefillTokens(),
                    rest.decodeTokens(), rest.running(), rest.waiting(), rest.kvBlocks(), rest.usedKvBlocks()));
            assertEquals(16.0 / 48, chunk.unfilledKv(), 1e-9, "blocks for the whole prompt of 40 are taken at once");
            assertEquals(8.0 / 48, rest.unfilledKv(), 1e-9);
            for (int i = 2; i < 11; i++) {
                Step decode = heard.steps.get(i);
                assertEquals(List.of(i + 1L, 1, 1, 0, 1), List.of(decode.number(), decode.sequences(), decode.tokens(), decode.prefillTokens(),
                        decode.decodeTokens()));
                assertTrue(decode.forward().isPositive() && decode.deliver().isPositive() && decode.schedule().isPositive(), decode.toString());
            }
            assertEquals(llm.memory().kv(), heard.steps.getLast().kvBytes());
            assertTrue(heard.steps.getLast().kvBytes() > 0);
            assertEquals(11, heard.events.stream().filter(e -> e.startsWith("step ")).distinct().count());
        }
    }

    private static void awaitSteps(Recorder heard, int count) {
        while (heard.steps.size() < count) {
            Thread.onSpinWait(); // a result comes before its step is told of
        }
    }

    @Test
    void hearsOfPreemptions() {
        var heard = new Recorder();
        try (LLM llm = TinyLlm.open(TinyLlm.options(8, 64, 8, 200), r -> r, heard)) {
            var asked = new ArrayList<Request>();
            for (int i = 0; i < 8; i++) {
                asked.add(request(i, 30, TEN.toBuilder().maxTokens(60).build()));
            }
            List<RequestOutput> out = llm.generate(asked);
            int preempted = 0;
            for (RequestOutput o : out) {
                List<String> events = heard.of(o.requestId());
                assertEquals(o.metrics().preemptions(), events.stream().filter("preempted"::equals).count(), events.toString());
                assertEquals(1, events.stream().filter(e -> e.startsWith("started")).count());
                assertEquals(1, events.stream().filter("first token"::equals).count());
                assertEquals("queued 30", events.getFirst());
                assertEquals("finished LENGTH", events.getLast());
                preempted += o.metrics().preemptions();
            }
            assertTrue(preempted > 0);
            assertTrue(heard.steps.stream().anyMatch(s -> s.waiting() > 0 && s.usedKvBlocks() > 20));
        }
    }

    @Test
    void hearsOfRefusalsAndCancels() throws Exception {
        var heard = new Recorder();
        LLM llm = TinyLlm.open(TinyLlm.options(4, 32, 16, 512), r -> r, heard);
        RequestOutput refused = llm.generate(List.of(new Request(Prompt.ofTokens(99), TEN))).getFirst();
        assertEquals(List.of("refused"), heard.of(refused.requestId()));
        assertSame(refused, heard.outputs.getFirst());
        assertEquals(1, llm.metrics().refused());
        assertEquals(0, llm.metrics().finished());
        var stream = llm.stream(Prompt.of("hello"), TEN.toBuilder().maxTokens(200).build());
        stream.iterator().next();
        llm.close();
        assertEquals("finished CANCELLED", heard.of(stream.result().get().requestId()).getLast());
    }

    @Test
    void hearsOfRequestsForWhichThereIsNoRoom() {
        var heard = new Recorder();
        var gate = new CountDownLatch(1);
        try (LLM llm = TinyLlm.open(TinyLlm.options(1, 32, 16, 512), r -> new RunnerDouble(r, _ -> await(gate)), heard)) {
            var taken = new AtomicInteger();
            var refused = assertThrows(RequestRejectedException.class, () -> {
                while (true) {
                    llm.submit(request(taken.get(), 5, TEN));
                    taken.incrementAndGet();
                }
            });
            gate.countDown();
            assertTrue(taken.get() >= 64, "the queue holds 64: " + taken);
            assertSame(refused, heard.outputs.getFirst().error().orElseThrow());
            assertEquals(1, llm.metrics().refused());
        }
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aFailingListenerIsLoggedOnceAndTouchesNobody() {
        var logged = new ArrayList<LogRecord>();
        var handler = new Handler() {
            @Override
            public void publish(LogRecord r) {
                logged.add(r);
            }

            @Override
            public void flush() {
                // nothing is kept back
            }

            @Override
            public void close() {
                // nothing is held
            }
        };
        Logger logger = Logger.getLogger("io.jllm");
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        var heard = new Recorder();
        try (LLM llm = TinyLlm.open(TinyLlm.options(4, 32, 16, 512), r -> r, new Failing(), heard)) {
            List<RequestOutput> out = llm.generate(List.of(request(1, 40, TEN), request(2, 7, TEN), new Request(Prompt.ofTokens(99), TEN)));
            assertEquals(List.of(10, 10, 0), out.stream().map(o -> o.outputs().getFirst().tokenIds().length).toList());
            assertEquals(FinishReason.LENGTH, out.getFirst().finishReason());
            assertEquals(List.of("queued 40", "started 0", "first token", "finished LENGTH"), heard.of(out.getFirst().requestId()));
            awaitSteps(heard, 11);
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }
        assertEquals(1, logged.stream().filter(r -> r.getLevel() == Level.WARNING).count());
        assertTrue(logged.getFirst().getMessage().contains(Failing.class.getName()), logged.getFirst().getMessage());
        assertFalse(logged.getFirst().getThrown().getMessage().isEmpty());
    }

    /** Fails in whatever it hears. */
    private static final class Failing implements EngineListener {
        @Override
        public void queued(long requestId, int promptTokens) {
            throw new IllegalStateException("queued");
        }

        @Override
        public void started(long requestId, int cachedTokens) {
            throw new OutOfMemoryError("started");
        }

        @Override
        public void prefixCacheHit(long requestId, int tokens) {
            throw new IllegalStateException("hit");
        }

        @Override
        public void firstToken(long requestId) {
            throw new StackOverflowError("first token");
        }

        @Override
        public void finished(RequestOutput output) {
            throw new IllegalStateException("finished");
        }

        @Override
        public void refused(RequestOutput output) {
            throw new IllegalStateException("refused");
        }

        @Override
        public void stepStarted(long number) {
            throw new IllegalStateException("step started");
        }

        @Override
        public void step(Step step) {
            throw new AssertionError("step");
        }
    }
}
