package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Cancelling, failing, refusing and closing: each touches its own request only, and leaves no page behind. */
@Isolated("counts the engines' threads of this JVM")
class FaultTest {
    private static final SamplingParams LONG = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(200).build();
    private static final EngineOptions OPTIONS = TinyLlm.options(8, 64, 16, 4 * TinyLlm.CONTEXT);

    private static void assertNothingHeld(LLM llm) {
        while (llm.metrics().running() + llm.metrics().waiting() > 0) {
            Thread.onSpinWait(); // a cancelled caller goes on before the engine has let go
        }
        assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
    }

    @Test
    void closingAStreamCancelsItsRequest() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            TokenStream stream = llm.stream(Prompt.of("hello"), LONG);
            var it = stream.iterator();
            it.next();
            stream.close();
            RequestOutput out = stream.result().get();
            assertEquals(FinishReason.CANCELLED, out.finishReason());
            assertTrue(out.tokenIds().length < 200);
            stream.close();
            assertNothingHeld(llm);
        }
    }

    @Test
    void cancellingTheResultCancelsItsRequest() {
        var steps = new Semaphore(10);
        try (LLM llm = TinyLlm.open(OPTIONS, r -> new RunnerDouble(r, _ -> steps.acquireUninterruptibly()))) {
            TokenStream stream = llm.stream(Prompt.of("hello"), LONG);
            stream.result().cancel(true);
            steps.release(1000);
            int pieces = 0;
            for (TokenStream.Piece _ : stream) {
                pieces++;
            }
            assertTrue(pieces < 200);
            assertNothingHeld(llm);
        }
    }

    @Test
    void timeoutsAreKept() {
        try (LLM llm = TinyLlm.open(OPTIONS, r -> new RunnerDouble(r, _ -> sleep(2)))) {
            RequestOutput out = llm.generate("hello", LONG.toBuilder().timeout(Duration.ofMillis(40)).build());
            assertEquals(FinishReason.CANCELLED, out.finishReason());
            assertTrue(out.tokenIds().length < 200);
            assertNothingHeld(llm);
        }
    }

    @Test
    void anInterruptedCallerCancelsItsRequests() throws Exception {
        var steps = new Semaphore(3);
        try (LLM llm = TinyLlm.open(OPTIONS, r -> new RunnerDouble(r, _ -> steps.acquireUninterruptibly()))) {
            var ended = new CompletableFuture<Boolean>();
            Thread caller = Thread.startVirtualThread(() -> {
                try {
                    llm.generate("hello", LONG);
                    ended.complete(false);
                } catch (CancellationException e) {
                    ended.complete(Thread.currentThread().isInterrupted());
                }
            });
            while (llm.metrics().running() == 0) {
                Thread.onSpinWait();
            }
            caller.interrupt();
            assertTrue(ended.join(), "cancelled, and still interrupted");
            steps.release(1000);
            assertNothingHeld(llm);
        }
    }

    @Test
    void aFailingProcessorFailsAlone() {
        LogitsProcessor failing = (tokens, prompt, length, logits) -> {
            if (length - prompt == 3) {
                throw new IllegalArgumentException("no more");
            }
        };
        LogitsProcessor onlyC = (tokens, prompt, length, logits) -> {
            float keep = logits[2];
            Arrays.fill(logits, Float.NEGATIVE_INFINITY);
            logits[2] = keep;
        };
        LogitsProcessor nothingLeft = (tokens, prompt, length, logits) -> Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            SamplingParams ten = LONG.toBuilder().maxTokens(10).build();
            List<RequestOutput> out = llm.generate(List.of(
                    Request.of("hello", ten.toBuilder().logitsProcessor(() -> failing).build()),
                    Request.of("hello", ten),
                    Request.of("hello", ten.toBuilder().logitsProcessor(() -> onlyC).build()),
                    Request.of("hello", ten.toBuilder().logitsProcessor(() -> nothingLeft).build())));
            assertEquals("no more", out.get(0).error().orElseThrow().getMessage());
            assertEquals(FinishReason.ERROR, out.get(0).finishReason());
            assertEquals(3, out.get(0).outputs().getFirst().tokenIds().length);
            assertEquals(3, out.get(0).outputs().getFirst().text().length(), "what there was can be had");
            assertSame(out.get(0).error().get(), assertThrows(IllegalArgumentException.class, out.get(0)::text), "but is no answer");
            assertSame(out.get(0).error().get(), assertThrows(IllegalArgumentException.class, out.get(0)::tokenIds));
            assertEquals(10, out.get(1).tokenIds().length);
            assertEquals("cccccccccc", out.get(2).text());
            assertTrue(out.get(3).error().isPresent());
            assertNothingHeld(llm);
        }
    }

    @Test
    void aFailingStepFailsItsRequestsAndNoOthers() {
        var steps = new AtomicInteger();
        try (LLM llm = TinyLlm.open(OPTIONS, r -> new RunnerDouble(r, _ -> {
            if (steps.incrementAndGet() == 5) {
                throw new OutOfMemoryError("pretended");
            }
        }))) {
            RequestOutput failed = llm.generate("hello", LONG);
            assertTrue(failed.error().orElseThrow().getMessage().contains("pretended"));
            assertEquals(4, failed.outputs().getFirst().tokenIds().length);
            assertThrows(IllegalStateException.class, failed::text);
            assertEquals(200, llm.generate("hello", LONG).tokenIds().length);
            assertNothingHeld(llm);
        }
    }

    @Test
    void aFailingListenerOfAFutureHurtsNobody() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            var called = new CountDownLatch(1);
            llm.stream(Prompt.of("hello"), LONG).result().thenAccept(_ -> {
                called.countDown();
                throw new IllegalStateException("listener");
            });
            called.await();
            assertNothingHeld(llm);
        }
    }

    @Test
    void aSlowReaderRestsAlone() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(8, 64, 16, TinyLlm.CONTEXT))) {
            TokenStream slow = llm.stream(Prompt.of("hello"), LONG);
            var it = slow.iterator();
            it.next();
            while (llm.metrics().generatedTokens() < 64) { // or one more, if the first piece was taken before the buffer was full
                Thread.onSpinWait();
            }
            // The pool holds one long sequence: the resting one must give way, and must still finish.
            for (int i = 0; i < 3; i++) {
                assertEquals(200, llm.generate("other", LONG).tokenIds().length);
            }
            assertFalse(slow.result().isDone());
            int pieces = 1;
            while (it.hasNext()) {
                it.next();
                pieces++;
            }
            assertEquals(200, pieces);
            assertTrue(slow.result().join().metrics().preemptions() > 0);
            assertEquals(llm.generate("hello", LONG).text(), slow.result().join().text());
            assertNothingHeld(llm);
        }
    }

    @Test
    void whatCanNeverFitIsRefusedWithTheNumbers() {
        try (LLM llm = TinyLlm.open(TinyLlm.options(2, 64, 16, 48))) {
            List<RequestOutput> out = llm.generate(List.of(
                    Request.of("a".repeat(300), LONG),
                    Request.of("a".repeat(30), LONG),
                    new Request(Prompt.ofTokens(3, 99), LONG),
                    new Request(Prompt.ofTokens(), LONG),
                    Request.of("abc", LONG.toBuilder().maxTokens(9).logitBias(77, 1).build()),
                    Request.of("abc", LONG.toBuilder().maxTokens(9).allowedTokenIds(List.of(4)).logitBias(4, Double.NEGATIVE_INFINITY).build()),
                    Request.of("abc", LONG.toBuilder().maxTokens(46).build())));
            String[] parts = {"300 tokens", "30 tokens and 200", "token 99 at position 1", "no tokens", "token 77", "no token may be picked"};
            for (int i = 0; i < parts.length; i++) {
                assertEquals(FinishReason.ERROR, out.get(i).finishReason());
                String message = out.get(i).error().orElseThrow().getMessage();
                assertTrue(message.contains(parts[i]), message);
            }
            assertEquals(46, out.get(6).tokenIds().length, "fills the cache to the last position");
            RequestOutput open = llm.generate("abc", LONG.toBuilder().build());
            assertTrue(open.error().isPresent());
            var unset = SamplingParams.builder().temperature(0).ignoreEos(true).build();
            RequestOutput filled = llm.generate("abc", unset);
            assertEquals(46, filled.tokenIds().length);
            assertEquals(FinishReason.LENGTH, filled.finishReason());
            assertNothingHeld(llm);
        }
    }

    @Test
    void closingEndsWhatRunsAndIsIdempotent() throws Exception {
        LLM llm = TinyLlm.open(OPTIONS, r -> new RunnerDouble(r, _ -> sleep(1)));
        TokenStream stream = llm.stream(Prompt.of("hello"), LONG);
        stream.iterator().next();
        llm.close();
        llm.close();
        assertEquals(FinishReason.CANCELLED, stream.result().get().finishReason());
        assertEquals(0, llm.memory().weights());
        assertThrows(IllegalStateException.class, () -> llm.generate("hello", LONG));
        assertTrue(Thread.getAllStackTraces().keySet().stream().noneMatch(t -> t.getName().equals("jllm-engine") && t.isAlive()
                && Arrays.stream(t.getStackTrace()).anyMatch(f -> f.getMethodName().equals("step"))));
    }

    private static void sleep(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
