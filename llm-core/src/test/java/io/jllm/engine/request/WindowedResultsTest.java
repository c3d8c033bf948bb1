package io.jllm.engine.request;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ChatOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.batch.Results;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.engine.EngineOptions;
import io.jllm.engine.RunnerDouble;
import io.jllm.engine.TinyLlm;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Results of requests that are read little by little: in order, in a window, failures as values. */
class WindowedResultsTest {
    private static final int RUNNING = 2;
    private static final int WINDOW = 8 * RUNNING;
    private static final ChatOptions TEMPLATE = ChatOptions.builder().template("{{ messages[0].content }}").build();

    private final Semaphore steps = new Semaphore(0);
    private final AtomicInteger read = new AtomicInteger();

    /** At most two run and so many wait; steps pass as they are let. */
    private LLM open(int queued) {
        EngineOptions o = TinyLlm.options(RUNNING, 64, 16, RUNNING * TinyLlm.CONTEXT);
        return TinyLlm.open(new EngineOptions(OptionalInt.empty(), RUNNING, OptionalInt.of(64), 16, o.kvBytes(), Optional.empty(), true, queued),
                r -> new RunnerDouble(r, _ -> steps.acquireUninterruptibly()));
    }

    /** With steps that pass. */
    private LLM running() {
        steps.release(1_000_000);
        return open(3);
    }

    private static SamplingParams tokens(int count) {
        return SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(count).build();
    }

    /** Answers of 1 to 40 tokens, in no order. */
    private static Request request(int i) {
        return new Request(Prompt.ofTokens(1 + i % 25, 3, 1 + i / 25 % 25), tokens(1 + i * 7919 % 40));
    }

    private <T> Iterator<T> source(int count, IntFunction<T> maker) {
        return new Iterator<>() {
            private int at;

            @Override
            public boolean hasNext() {
                return at < count;
            }

            @Override
            public T next() {
                read.incrementAndGet();
                return maker.apply(at++);
            }
        };
    }

    private static <T> List<T> all(Results<T> results) {
        var all = new ArrayList<T>();
        results.forEachRemaining(all::add);
        return all;
    }

    @Test
    void resultsAreThoseOfAListInItsOrder() {
        try (LLM llm = running(); Results<RequestOutput> results = llm.generate(source(200, WindowedResultsTest::request))) {
            assertEquals(0, read.get());
            List<RequestOutput> one = all(results);
            List<RequestOutput> list = llm.generate(IntStream.range(0, 200).mapToObj(WindowedResultsTest::request).toList());
            assertEquals(200, one.size());
            for (int i = 0; i < 200; i++) {
                assertEquals(list.get(i).prompt(), one.get(i).prompt());
                assertArrayEquals(list.get(i).tokenIds(), one.get(i).tokenIds());
            }
            assertFalse(results.hasNext());
            assertThrows(NoSuchElementException.class, results::next);
        }
    }

    @Test
    void noMoreThanAWindowIsReadAheadOfASlowReader() {
        try (LLM llm = running(); Results<RequestOutput> results = llm.generate(source(500, WindowedResultsTest::request))) {
            for (int taken = 1; taken <= 400; taken++) {
                results.next();
                assertTrue(read.get() <= taken - 1 + WINDOW, read + " are read when " + taken + " are taken");
                if (taken % 50 == 0) { // the reader rests until the engine has nothing more to do
                    int before = read.get();
                    while (llm.metrics().running() + llm.metrics().waiting() > 0) {
                        Thread.onSpinWait();
                    }
                    assertEquals(before, read.get());
                    llm.generate("abc", tokens(2)); // others are served
                }
            }
        }
    }

    /** What was taken is not kept. */
    @Test
    void whatIsTakenIsForgotten() {
        try (LLM llm = running(); Results<RequestOutput> results = llm.generate(source(3 * WINDOW, WindowedResultsTest::request))) {
            var taken = new ArrayList<WeakReference<RequestOutput>>();
            for (int i = 0; i < 2 * WINDOW; i++) {
                taken.add(new WeakReference<>(results.next()));
            }
            while (taken.subList(0, WINDOW).stream().anyMatch(r -> r.get() != null)) {
                System.gc();
                Thread.onSpinWait();
            }
            assertEquals(WINDOW, all(results).size());
        }
    }

    @Test
    void theBatchStaysFullBehindALongAnswer() {
        try (LLM llm = running(); Results<RequestOutput> results = llm.generate(source(WINDOW, i ->
                new Request(Prompt.ofTokens(1 + i, 2), tokens(i == 0 ? 200 : 5))))) {
            assertEquals(200, results.next().tokenIds().length);
            assertEquals(WINDOW, llm.metrics().finishedBy().get(FinishReason.LENGTH)); // all others are done by then
        }
    }

    @Test
    void aPoisonedRequestFailsAlone() {
        try (LLM llm = running(); Results<RequestOutput> results = llm.generate(source(100, i ->
                i % 9 == 4 ? new Request(Prompt.ofTokens(777), tokens(3)) : request(i)))) {
            List<RequestOutput> all = all(results);
            for (int i = 0; i < 100; i++) {
                assertEquals(i % 9 == 4, all.get(i).error().isPresent());
                assertEquals(i % 9 == 4 ? FinishReason.ERROR : FinishReason.LENGTH, all.get(i).finishReason());
            }
            assertTrue(all.get(4).error().orElseThrow().getMessage().contains("777"));
        }
    }

    @Test
    void whatTheSourceThrowsComesInItsPlace() {
        var broken = new IllegalStateException("the file ends in the midst of a line");
        try (LLM llm = running(); Results<RequestOutput> results = llm.generate(source(10, i -> {
            if (i == 5) {
                throw broken;
            }
            return request(i);
        }))) {
            for (int i = 0; i < 5; i++) {
                assertEquals(request(i).prompt(), results.next().prompt());
            }
            assertTrue(results.hasNext());
            assertSame(broken, assertThrows(IllegalStateException.class, results::next));
            assertFalse(results.hasNext());
            assertEquals(6, read.get());
        }
        try (LLM llm = running(); Results<RequestOutput> results = llm.generate(source(3, i -> i == 1 ? null : request(i)))) {
            results.next();
            assertThrows(NullPointerException.class, results::next);
            assertFalse(results.hasNext());
        }
    }

    @Test
    void closingEarlyFreesTheSequences() {
        try (LLM llm = open(64)) {
            Results<RequestOutput> results = llm.generate(source(100, i -> new Request(Prompt.ofTokens(1 + i % 25, 2), tokens(200))));
            var reader = CompletableFuture.supplyAsync(results::next);
            steps.release(50); // none can end
            while (llm.metrics().running() < RUNNING || read.get() < 2 * RUNNING) { // two run, two wait
                Thread.onSpinWait();
            }
            results.close();
            results.close();
            steps.release(1000);
            assertInstanceOf(CancellationException.class, assertThrows(CompletionException.class, reader::join).getCause());
            assertFalse(results.hasNext());
            assertThrows(NoSuchElementException.class, results::next);
            while (llm.metrics().running() + llm.metrics().waiting() > 0) {
                Thread.onSpinWait();
            }
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
            assertTrue(llm.metrics().finishedBy().get(FinishReason.CANCELLED) > 0);
            assertTrue(llm.metrics().generatedTokens() < 100 * 200);
            assertTrue(read.get() <= WINDOW);
        }
    }

    @Test
    void waitingCanBeInterrupted() {
        try (LLM llm = open(64)) {
            Results<RequestOutput> results = llm.generate(source(100, WindowedResultsTest::request));
            var seen = new CompletableFuture<Throwable>();
            Thread reader = Thread.ofPlatform().start(() -> {
                seen.complete(assertThrows(CancellationException.class, results::next));
                assertTrue(Thread.interrupted());
            });
            while (reader.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            reader.interrupt();
            assertTrue(seen.join().getMessage().contains("interrupted in generate"));
            assertFalse(results.hasNext());
            steps.release(1000);
            assertEquals(2, llm.generate("ab", tokens(2)).tokenIds().length);
            assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
        }
    }

    @Test
    void aClosedLlmGivesWhatWasBegunAndThenRefuses() {
        LLM llm = running();
        Results<RequestOutput> results = llm.generate(source(100, i -> new Request(Prompt.ofTokens(1 + i % 25, 2), tokens(200))));
        results.next();
        llm.close();
        int begun = read.get();
        for (int i = 1; i < begun; i++) {
            results.next();
        }
        assertTrue(results.hasNext());
        assertTrue(assertThrows(IllegalStateException.class, results::next).getMessage().contains("closed"));
        assertEquals(begun, read.get());
        assertThrows(IllegalStateException.class, () -> llm.generate(source(1, WindowedResultsTest::request)));
    }

    @Test
    void theEnginesThreadMayNotWait() {
        var thrown = new CompletableFuture<Throwable>();
        try (LLM llm = running(); Results<RequestOutput> results = llm.generate(source(3, WindowedResultsTest::request))) {
            llm.generate("abc", SamplingParams.builder().maxTokens(1).logitsProcessor(() -> (_, _, _, _) -> {
                try {
                    results.next();
                    thrown.complete(new AssertionError("it waited"));
                } catch (IllegalStateException e) {
                    thrown.complete(e);
                }
            }).build());
            assertTrue(assertInstanceOf(IllegalStateException.class, thrown.join()).getMessage().contains("generate waits for the engine"));
            assertEquals(3, all(results).size());
        }
    }

    @Test
    void twoReadersShareTheEngine() {
        try (LLM llm = running(); Results<RequestOutput> a = llm.generate(source(60, WindowedResultsTest::request));
             Results<RequestOutput> b = llm.generate(source(60, WindowedResultsTest::request))) {
            for (int i = 0; i < 60; i++) { // by turns, on one thread
                assertArrayEquals(a.next().tokenIds(), b.next().tokenIds());
            }
        }
    }

    @Test
    void conversationsThatCannotBeAskedFailAlone() {
        List<Request> asked = List.of(new Request(Prompt.chat(List.of(Message.user("abc")), TEMPLATE), tokens(3)),
                new Request(Prompt.of("abc"), tokens(3)),
                new Request(Prompt.chat(List.of(Message.user("abc")), TEMPLATE.withTemplate("{{ raise_exception('no such role') }}")), tokens(3)),
                new Request(Prompt.chat(List.of(Message.user("abc")), TEMPLATE), tokens(3).toBuilder().n(2).build()),
                new Request(Prompt.chat(List.of(Message.user("abd")), TEMPLATE), tokens(3)));
        try (LLM llm = running(); Results<ChatOutput> results = llm.chat(asked.iterator())) {
            List<ChatOutput> all = all(results);
            assertEquals(llm.chat(List.of(Message.user("abc")), TEMPLATE, tokens(3)).text(), all.get(0).text());
            assertEquals(llm.chat(List.of(Message.user("abd")), TEMPLATE, tokens(3)).text(), all.get(4).text());
            for (int i = 1; i < 4; i++) {
                assertEquals(FinishReason.ERROR, all.get(i).finishReason());
                assertEquals("", all.get(i).answer().content());
                assertEquals(asked.get(i).prompt(), all.get(i).output().prompt());
                assertThrows(IllegalArgumentException.class, all.get(i)::text);
            }
            assertTrue(all.get(1).output().error().orElseThrow().getMessage().contains("Prompt.chat"));
            assertTrue(all.get(2).output().error().orElseThrow().getMessage().contains("no such role"));
            assertTrue(all.get(3).output().error().orElseThrow().getMessage().contains("n is 2"));
        }
    }

    @Test
    void vectorsAreThoseOfAList() {
        try (LLM llm = running(); Results<EmbeddingOutput> results = llm.embed(source(50, i -> Prompt.ofTokens(i % 10 == 3 ? 99 : 1 + i % 25, 4)),
                EmbeddingParams.defaults())) {
            List<EmbeddingOutput> all = all(results);
            List<EmbeddingOutput> list = llm.embed(all.stream().map(EmbeddingOutput::prompt).toList(), EmbeddingParams.defaults());
            for (int i = 0; i < 50; i++) {
                assertEquals(i % 10 == 3, all.get(i).error().isPresent());
                assertArrayEquals(list.get(i).embedding(), all.get(i).embedding());
            }
            assertThrows(IllegalArgumentException.class, () -> llm.embed(source(1, _ -> Prompt.of("a")), EmbeddingParams.defaults()
                    .withDimensions(1 << 20)));
        }
    }
}
