package io.jllm.engine.request;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestHandle.Progress;
import io.jllm.RequestHandle.Progress.State;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.engine.EngineOptions;
import io.jllm.engine.RunnerDouble;
import io.jllm.engine.TinyLlm;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Handles are there before the first token, say how far a request is, and end it. */
class HandleTest {
    private static final SamplingParams LONG = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(100).build();
    private static final EngineOptions OPTIONS = TinyLlm.options(8, 16, 16, 8 * TinyLlm.CONTEXT);

    /** Lets steps pass one by one. */
    private final Semaphore steps = new Semaphore(0);

    private LLM stepwise() {
        return TinyLlm.open(OPTIONS, r -> new RunnerDouble(r, _ -> steps.acquireUninterruptibly()));
    }

    private void freely() {
        steps.release(1_000_000);
    }

    private static Progress when(RequestHandle handle, State state, int generated) {
        Progress now = handle.progress();
        while (now.state() != state || now.generatedTokens() < generated) {
            assertTrue(now.state().ordinal() <= state.ordinal() || now.state() == State.PAUSED, now.toString());
            Thread.onSpinWait();
            now = handle.progress();
        }
        return now;
    }

    private static void assertNothingHeld(LLM llm) {
        while (llm.metrics().running() + llm.metrics().waiting() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
    }

    @Test
    void aHandleIsThereBeforeTheFirstToken() throws Exception {
        try (LLM llm = stepwise()) {
            RequestHandle handle = llm.submit(Request.of("a".repeat(40), LONG.toBuilder().maxTokens(5).build()));
            assertFalse(handle.result().isDone());
            assertEquals(new Progress(State.RUNNING, 40, 0, 0), when(handle, State.RUNNING, 0));
            steps.release();
            Progress first = handle.progress();
            while (first.computedPromptTokens() == 0) {
                first = handle.progress();
            }
            assertEquals(new Progress(State.RUNNING, 40, 16, 0), first);
            steps.release(2);
            assertEquals(new Progress(State.RUNNING, 40, 40, 1), when(handle, State.RUNNING, 1));
            freely();
            RequestOutput out = handle.result().get();
            assertEquals(handle.requestId(), out.requestId());
            assertEquals(FinishReason.LENGTH, out.finishReason());
            assertEquals(new Progress(State.FINISHED, 40, 40, 5), handle.progress());
            handle.cancel();
            assertSame(out, handle.result().get());
        }
    }

    @Test
    void whatWaitsIsQueued() {
        EngineOptions one = TinyLlm.options(1, 16, 16, TinyLlm.CONTEXT);
        try (LLM llm = TinyLlm.open(one, r -> new RunnerDouble(r, _ -> steps.acquireUninterruptibly()))) {
            RequestHandle first = llm.submit(Request.of("hello", LONG));
            RequestHandle second = llm.submit(Request.of("other", LONG));
            steps.release(3);
            when(first, State.RUNNING, 3);
            assertEquals(new Progress(State.QUEUED, 5, 0, 0), second.progress());
            first.cancel();
            freely();
            assertEquals(FinishReason.CANCELLED, first.result().join().finishReason());
            assertEquals(FinishReason.LENGTH, second.result().join().finishReason());
        }
    }

    @Test
    void cancellingGivesWhatThereWas() {
        try (LLM llm = stepwise()) {
            RequestHandle handle = llm.submit(Request.of("hello", LONG));
            steps.release(7);
            when(handle, State.RUNNING, 7);
            handle.cancel();
            freely();
            RequestOutput out = handle.result().join();
            assertEquals(FinishReason.CANCELLED, out.finishReason());
            assertTrue(out.tokenIds().length >= 7 && out.tokenIds().length < 100);
            assertEquals(out.tokenIds().length, handle.progress().generatedTokens());
            assertNothingHeld(llm);
        }
    }

    @Test
    void whoeverCompletesTheFutureCancelsTheRequest() {
        try (LLM llm = stepwise()) {
            RequestHandle cancelled = llm.submit(Request.of("hello", LONG));
            RequestHandle late = llm.submit(Request.of("hello", LONG));
            RequestHandle completed = llm.submit(Request.of("hello", LONG));
            cancelled.result().cancel(false);
            completed.result().completeExceptionally(new IllegalArgumentException());
            var timedOut = assertThrows(CompletionException.class, () -> late.result().orTimeout(1, TimeUnit.MILLISECONDS).join());
            assertEquals(TimeoutException.class, timedOut.getCause().getClass());
            freely();
            for (RequestHandle h : List.of(cancelled, late, completed)) {
                assertTrue(when(h, State.FINISHED, 0).generatedTokens() < 100);
            }
            assertNothingHeld(llm);
        }
    }

    @Test
    void beamsHaveHandlesToo() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            BeamSearchParams params = BeamSearchParams.builder(3).n(2).maxTokens(12).ignoreEos(true).build();
            RequestHandle handle = llm.submit(Prompt.of("hello"), params);
            RequestOutput out = handle.result().join();
            assertEquals(2, out.outputs().size());
            assertArrayEquals(llm.beamSearch("hello", params).tokenIds(), out.tokenIds());
            assertEquals(new Progress(State.FINISHED, 5, 5, 12), handle.progress());
            List<RequestOutput> all = llm.beamSearchAsync(Prompt.all("hello", "other"), params).join();
            assertArrayEquals(out.tokenIds(), all.getFirst().tokenIds());
        }
    }

    @Test
    void badRequestsHaveHandles() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            RequestHandle handle = llm.submit(new Request(Prompt.ofTokens(99), LONG));
            RequestOutput out = handle.result().join();
            assertTrue(out.error().isPresent());
            assertEquals(handle.requestId(), out.requestId());
            assertEquals(State.FINISHED, handle.progress().state());
            assertThrows(NullPointerException.class, () -> llm.submit(new Request(null, LONG)));
            assertEquals(100, llm.generateAsync("hello", LONG).join().tokenIds().length);
        }
    }

    @Test
    void asyncListsComeInOrderAndAreCancelledTogether() {
        try (LLM llm = stepwise()) {
            var requests = new ArrayList<Request>();
            for (int i = 0; i < 20; i++) {
                requests.add(Request.of("abcdefghijklmnopqrstuvwxyz".substring(i, i + 3), LONG.toBuilder().maxTokens(20 - i).build()));
            }
            CompletableFuture<List<RequestOutput>> dropped = llm.generateAsync(requests);
            steps.release(3);
            dropped.cancel(false);
            CompletableFuture<List<RequestOutput>> kept = llm.generateAsync(requests);
            freely();
            List<RequestOutput> out = kept.join();
            for (int i = 0; i < 20; i++) {
                assertEquals(requests.get(i).prompt(), out.get(i).prompt());
                assertEquals(20 - i, out.get(i).tokenIds().length);
            }
            assertTrue(llm.metrics().generatedTokens() < 2 * 210);
            assertTrue(llm.generateAsync(List.of()).join().isEmpty());
            assertNothingHeld(llm);
        }
    }

    @Test
    void futuresNeverCompleteOnTheEnginesThread() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            for (int i = 0; i < 20; i++) {
                var on = new AtomicReference<>("");
                var done = new CountDownLatch(1);
                llm.submit(Request.of("hello", LONG.toBuilder().maxTokens(0).build())).result().whenComplete((_, _) -> {
                    on.set(Thread.currentThread().getName());
                    done.countDown();
                });
                done.await();
                assertFalse(on.get().contains("engine"), on.get());
            }
        }
    }

    @Test
    void theEnginesOwnThreadMaySubmitButNotWait() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            SamplingParams few = LONG.toBuilder().maxTokens(3).build();
            var inner = new AtomicReference<RequestHandle>();
            RequestOutput out = llm.generate("hello", few.toBuilder().logitsProcessor(() -> (_, _, _, _) -> {
                if (inner.get() == null) {
                    inner.set(llm.submit(Request.of("inner", few)));
                }
            }).build());
            assertEquals(3, out.tokenIds().length);
            assertEquals(3, inner.get().result().join().tokenIds().length);
            for (Runnable waiting : List.<Runnable>of(() -> llm.generate("x", few), () -> llm.beamSearch("x",
                    BeamSearchParams.builder(2).maxTokens(2).build()), () -> llm.stream(Prompt.of("x"), few).iterator().next())) {
                RequestOutput failed = llm.generate("hello", few.toBuilder().logitsProcessor(() -> (_, _, _, _) -> waiting.run()).build());
                assertTrue(failed.error().orElseThrow().getMessage().contains("waits for the engine"), failed.error().toString());
            }
        }
    }

    @Test
    void everyEntryIsClosedAfterClose() {
        LLM llm = TinyLlm.open(OPTIONS);
        llm.close();
        BeamSearchParams beams = BeamSearchParams.builder(2).build();
        for (Runnable call : List.<Runnable>of(() -> llm.generate("a", LONG), () -> llm.generate(List.of()), () -> llm.generateAsync("a", LONG),
                () -> llm.generateAsync(List.of(Request.of("a", LONG))), () -> llm.submit(Request.of("a", LONG)),
                () -> llm.submit(Prompt.of("a"), beams), () -> llm.stream(Prompt.of("a"), LONG), () -> llm.beamSearch("a", beams),
                () -> llm.beamSearchAsync(Prompt.all("a"), beams), llm::resetPrefixCache)) {
            assertTrue(assertThrows(IllegalStateException.class, call::run).getMessage().contains("closed"));
        }
    }

    @Test
    void closingFromAFuturesThreadOrAReaderDoesNotHang() {
        for (boolean reader : new boolean[] {true, false}) {
            LLM llm = TinyLlm.open(OPTIONS);
            TokenStream running = llm.stream(Prompt.of("hello"), LONG.toBuilder().maxTokens(200).build());
            if (reader) {
                running.iterator().next();
                llm.close();
            } else {
                llm.submit(Request.of("other", LONG.toBuilder().maxTokens(2).build())).result().thenRun(llm::close).join();
            }
            assertTrue(running.result().join().error().isEmpty());
            assertEquals(0, llm.memory().weights());
        }
    }

    @Test
    void closingFromTheEnginesThreadEndsTheEngine() throws Exception {
        LLM llm = TinyLlm.open(OPTIONS);
        RequestOutput out = llm.generate("hello", LONG.toBuilder().logitsProcessor(() -> (_, _, _, _) -> llm.close()).build());
        assertEquals(FinishReason.CANCELLED, out.finishReason());
        llm.close();
        assertEquals(0, llm.memory().weights());
    }

    @Test
    void anInterruptedReaderCancelsItsRequest() throws Exception {
        try (LLM llm = stepwise()) {
            TokenStream stream = llm.stream(Prompt.of("hello"), LONG);
            var seen = new CompletableFuture<Throwable>();
            Thread reader = Thread.startVirtualThread(() -> {
                try {
                    stream.forEach(_ -> { });
                } catch (CancellationException e) {
                    seen.complete(e);
                }
            });
            when(stream, State.RUNNING, 0);
            reader.interrupt();
            assertTrue(seen.join().getMessage().contains("interrupted"));
            freely();
            assertEquals(FinishReason.CANCELLED, stream.result().join().finishReason());
            assertNothingHeld(llm);
        }
    }
}
