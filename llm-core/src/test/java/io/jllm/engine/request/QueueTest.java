package io.jllm.engine.request;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestHandle.Progress.State;
import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import io.jllm.SamplingParams;
import io.jllm.engine.EngineOptions;
import io.jllm.engine.RunnerDouble;
import io.jllm.engine.TinyLlm;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

/** The queue is bounded: some are refused at once, others wait for room, and nobody waits for ever. */
class QueueTest {
    private static final SamplingParams TWO = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(2).build();
    private static final Request REQUEST = Request.of("hello", TWO);
    private static final int RUNNING = 2;
    private static final int LIMIT = 3;

    private final Semaphore steps = new Semaphore(0);

    /** At most two run and three wait; steps pass as they are let. */
    private LLM open() {
        EngineOptions o = TinyLlm.options(RUNNING, 16, 16, RUNNING * TinyLlm.CONTEXT);
        return TinyLlm.open(new EngineOptions(OptionalInt.empty(), RUNNING, OptionalInt.of(16), 16, o.kvBytes(), Optional.empty(), true, LIMIT),
                r -> new RunnerDouble(r, _ -> steps.acquireUninterruptibly()));
    }

    /** Fills the engine and then the queue. */
    private static List<RequestHandle> fill(LLM llm) {
        var handles = new ArrayList<RequestHandle>();
        for (int i = 0; i < RUNNING; i++) {
            handles.add(llm.submit(REQUEST));
            while (handles.getLast().progress().state() == State.QUEUED && i == 0) {
                Thread.onSpinWait();
            }
        }
        return handles;
    }

    private List<RequestHandle> overfill(LLM llm) {
        List<RequestHandle> handles = fill(llm); // the second waits, for the first has begun its step alone
        while (handles.size() < 1 + LIMIT) {
            handles.add(llm.submit(REQUEST));
        }
        return handles;
    }

    @Test
    void oneTooManyIsRefusedWithTheNumbers() {
        try (LLM llm = open()) {
            List<RequestHandle> handles = overfill(llm);
            for (Runnable call : List.<Runnable>of(() -> llm.submit(REQUEST), () -> llm.stream(REQUEST), () -> llm.generateAsync("a", TWO),
                    () -> llm.generateAsync(List.of(REQUEST)), () -> llm.submit(Prompt.of("a"), BeamSearchParams.builder(2).build()))) {
                var refusal = assertThrows(RequestRejectedException.class, call::run);
                assertEquals(LIMIT, refusal.waiting());
                assertEquals(LIMIT, refusal.limit());
                assertTrue(refusal.getMessage().contains("maxQueuedRequests is 3"), refusal.getMessage());
            }
            steps.release(1000);
            handles.forEach(h -> assertEquals(2, h.result().join().tokenIds().length));
            assertEquals(LIMIT, llm.generateAsync(Collections.nCopies(LIMIT, REQUEST)).join().size());
            assertThrows(RequestRejectedException.class, () -> llm.generateAsync(Collections.nCopies(LIMIT + 1, REQUEST)));
            assertEquals(2, llm.generate("a", TWO).tokenIds().length);
        }
    }

    @Test
    void theCancelledLeaveTheQueue() {
        try (LLM llm = open()) {
            List<RequestHandle> handles = overfill(llm);
            handles.getLast().cancel();
            steps.release();
            handles.getLast().result().join();
            RequestHandle instead = llm.submit(REQUEST);
            steps.release(1000);
            assertEquals(2, instead.result().join().tokenIds().length);
        }
    }

    @Test
    void listsLongerThanTheQueueAreFedIn() {
        try (LLM llm = open()) {
            steps.release(1_000_000);
            var requests = new ArrayList<Request>();
            for (int i = 0; i < 500; i++) {
                requests.add(new Request(i % 7 == 3 ? Prompt.ofTokens(77) : Prompt.ofTokens(i % 26, 3), TWO));
            }
            List<RequestOutput> out = llm.generate(requests);
            for (int i = 0; i < 500; i++) {
                assertEquals(requests.get(i).prompt(), out.get(i).prompt());
                assertEquals(i % 7 == 3 ? FinishReason.ERROR : FinishReason.LENGTH, out.get(i).finishReason());
            }
        }
    }

    /** A list keeps no more waiting than can run at once, so there is room for others while it is worked on. */
    @Test
    void aListLeavesRoom() {
        try (LLM llm = open()) {
            var list = CompletableFuture.supplyAsync(() -> llm.generate(Collections.nCopies(50, REQUEST)));
            for (int i = 0; i < 10; i++) {
                steps.release(2);
                RequestHandle between = llm.submit(REQUEST);
                while (between.progress().state() == State.QUEUED) {
                    steps.release(1);
                    Thread.yield();
                }
            }
            steps.release(1_000_000);
            assertEquals(50, list.join().size());
        }
    }

    @Test
    void manyCallersWaitForRoomInTurn() {
        try (LLM llm = open()) {
            overfill(llm);
            var lists = new ArrayList<CompletableFuture<List<RequestOutput>>>();
            for (int i = 0; i < 8; i++) {
                lists.add(CompletableFuture.supplyAsync(() -> llm.generate(Collections.nCopies(20, REQUEST)), Thread::startVirtualThread));
            }
            steps.release(1_000_000);
            lists.forEach(l -> assertEquals(20, l.join().stream().filter(o -> o.finishReason() == FinishReason.LENGTH).count()));
        }
    }

    @Test
    void waitingForRoomCanBeInterrupted() throws Exception {
        try (LLM llm = open()) {
            List<RequestHandle> handles = overfill(llm);
            var seen = new CompletableFuture<Throwable>();
            Thread caller = Thread.ofPlatform().start(() -> seen.complete(assertThrows(CancellationException.class,
                    () -> llm.generate(Collections.nCopies(9, REQUEST)))));
            while (caller.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            caller.interrupt();
            assertTrue(seen.join().getMessage().contains("interrupted"));
            steps.release(1000);
            handles.forEach(h -> assertEquals(2, h.result().join().tokenIds().length));
            assertEquals(2, llm.generate("a", TWO).tokenIds().length);
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
        }
    }

    @Test
    void closingEndsThoseWhoWaitForRoom() {
        LLM llm = open();
        List<RequestHandle> handles = overfill(llm);
        var waiting = new CompletableFuture<List<RequestOutput>>();
        Thread caller = Thread.ofPlatform().start(() -> waiting.complete(llm.generate(Collections.nCopies(9, REQUEST))));
        while (caller.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        var closing = CompletableFuture.runAsync(llm::close);
        while (!isClosed(llm)) {
            Thread.onSpinWait();
        }
        steps.release(1000); // the step that runs; no other begins
        closing.join();
        assertEquals(9, waiting.join().stream().filter(o -> o.finishReason() == FinishReason.CANCELLED).count());
        handles.forEach(h -> assertTrue(h.result().join().tokenIds().length < 2));
        assertThrows(IllegalStateException.class, () -> llm.submit(REQUEST));
    }

    private static boolean isClosed(LLM llm) {
        try {
            llm.resetPrefixCache();
            return false;
        } catch (IllegalStateException e) {
            return true;
        }
    }

    @Test
    void aBadCallTakesNoRoom() {
        try (LLM llm = open()) {
            steps.release(1_000_000);
            for (int i = 0; i < 2 * LIMIT; i++) {
                assertThrows(NullPointerException.class, () -> llm.submit(new Request(null, TWO)));
                assertThrows(NullPointerException.class, () -> llm.generateAsync(List.of(new Request(null, TWO))));
                assertTrue(llm.submit(new Request(Prompt.ofTokens(), TWO)).result().join().error().isPresent());
            }
            assertThrows(CompletionException.class, () -> CompletableFuture.runAsync(
                    () -> llm.generate(List.of(REQUEST, new Request(null, TWO)))).join());
            llm.generate("b", TWO); // by then the engine has seen that the first of that list is cancelled
            assertEquals(LIMIT, llm.generateAsync(Collections.nCopies(LIMIT, REQUEST)).join().size());
        }
    }
}
