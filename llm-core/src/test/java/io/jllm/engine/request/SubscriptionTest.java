package io.jllm.engine.request;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.RequestHandle.Progress.State;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.TokenStream.Piece;
import io.jllm.engine.EngineOptions;
import io.jllm.engine.TinyLlm;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/** A stream as a publisher, held against the rules of Reactive Streams 1.0.4; their numbers are in the names or comments. */
class SubscriptionTest {
    private static final SamplingParams LONG = SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(200).build();
    private static final EngineOptions OPTIONS = TinyLlm.options(8, 64, 16, 8 * TinyLlm.CONTEXT);

    /** Notes every call, and checks that calls are serial, in order, off the engine's thread, and none after the last. */
    private static final class Noting implements Flow.Subscriber<Piece> {
        private final BlockingQueue<Object> calls = new LinkedBlockingQueue<>();
        private final AtomicInteger inside = new AtomicInteger();
        private final AtomicInteger received = new AtomicInteger();
        private final long first;
        private final BiConsumer<Noting, Piece> onNext;
        private volatile Flow.Subscription subscription;
        private volatile boolean over;

        Noting(long first, BiConsumer<Noting, Piece> onNext) {
            this.first = first;
            this.onNext = onNext;
        }

        private void call(Object what, Runnable then) {
            if (inside.getAndIncrement() != 0 || Thread.currentThread().getName().equals("jllm-engine") || over
                    || (subscription == null) == !(what instanceof Flow.Subscription)) {
                calls.add(new AssertionError("calls overlap, come too late or too early, or on the engine's thread: " + what));
            }
            try {
                then.run();
            } finally {
                inside.decrementAndGet();
                calls.add(what); // last, so that whoever takes it sees all that the call did
            }
        }

        @Override
        public void onSubscribe(Flow.Subscription s) {
            call(s, () -> {
                subscription = s;
                if (first != 0) {
                    s.request(first);
                }
                Thread.yield(); // 1.3: no piece may come before this returns
            });
        }

        @Override
        public void onNext(Piece piece) {
            call(piece, () -> {
                onNext.accept(this, piece);
                received.incrementAndGet();
            });
        }

        @Override
        public void onError(Throwable t) {
            call(t, () -> over = true);
        }

        @Override
        public void onComplete() {
            call("complete", () -> over = true);
        }

        Object next() throws InterruptedException {
            Object call = calls.take();
            if (call instanceof AssertionError e) {
                throw e;
            }
            return call;
        }

        String textUntilEnd() throws InterruptedException {
            var text = new StringBuilder();
            assertInstanceOf(Flow.Subscription.class, next());
            for (Object call = next(); !"complete".equals(call); call = next()) {
                text.append(assertInstanceOf(Piece.class, call).text());
            }
            return text.toString();
        }
    }

    private static Noting noting(long first) {
        return new Noting(first, (_, _) -> { });
    }

    private static void assertNothingHeld(LLM llm) {
        while (llm.metrics().running() + llm.metrics().waiting() > 0) {
            Thread.onSpinWait();
        }
        assertEquals(llm.metrics().kvBlocks(), llm.metrics().freeKvBlocks());
    }

    @Test
    void everythingComesOnceAndInOrder() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            String want = llm.generate("hello", LONG).text();
            // All at once; one by one from within onNext (3.3: no recursion); sums above Long.MAX_VALUE (3.17).
            for (Noting reader : List.of(noting(Long.MAX_VALUE), new Noting(1, (n, _) -> n.subscription.request(1)),
                    new Noting(3, (n, _) -> n.subscription.request(Long.MAX_VALUE)))) {
                llm.stream(Prompt.of("hello"), LONG).subscribe(reader);
                assertEquals(want, reader.textUntilEnd());
                reader.subscription.request(5); // 3.6: nothing more
                reader.subscription.request(-1);
                reader.subscription.cancel(); // 3.7
                assertTrue(reader.calls.isEmpty());
            }
        }
    }

    @Test
    void noMoreThanWasAskedFor() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            TokenStream stream = llm.stream(Prompt.of("hello"), LONG);
            Noting reader = noting(0);
            stream.subscribe(reader);
            assertInstanceOf(Flow.Subscription.class, reader.next());
            while (stream.progress().state() != State.PAUSED) {
                Thread.onSpinWait();
            }
            // It rests alone, and holds a bounded number of pieces.
            assertEquals(200, llm.generate("other", LONG).tokenIds().length);
            assertTrue(reader.calls.isEmpty());
            assertEquals(StreamingRequest.CAPACITY, stream.progress().generatedTokens());
            for (int n = 1; n <= 19; n++) {
                reader.subscription.request(n); // 190 in all
            }
            for (int i = 0; i < 190; i++) {
                assertInstanceOf(Piece.class, reader.next());
            }
            stream.result().join();
            assertTrue(reader.calls.isEmpty());
            assertEquals(190, reader.received.get());
            reader.subscription.request(11);
            for (int i = 0; i < 10; i++) {
                assertInstanceOf(Piece.class, reader.next());
            }
            assertEquals("complete", reader.next());
        }
    }

    /** 1.5, 1.9: the end needs no demand, and comes after onSubscribe even where all was over before. */
    @Test
    void theEndNeedsNoDemand() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            TokenStream stream = llm.stream(Prompt.of("hello"), LONG.toBuilder().maxTokens(0).build());
            stream.result().join();
            Noting late = noting(0);
            stream.subscribe(late);
            assertEquals("", late.textUntilEnd());
        }
    }

    @Test
    void failuresAreErrors() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            Noting refused = noting(Long.MAX_VALUE);
            llm.stream(Prompt.ofTokens(99), LONG).subscribe(refused);
            assertInstanceOf(Flow.Subscription.class, refused.next());
            assertInstanceOf(IllegalArgumentException.class, refused.next());
            Noting failed = noting(Long.MAX_VALUE);
            llm.stream(Prompt.of("hello"), LONG.toBuilder().logitsProcessor(() -> (_, prompt, length, _) -> {
                if (length == prompt + 2) {
                    throw new IllegalStateException("no more");
                }
            }).build()).subscribe(failed);
            assertInstanceOf(Flow.Subscription.class, failed.next());
            assertInstanceOf(Piece.class, failed.next());
            assertInstanceOf(Piece.class, failed.next());
            assertEquals("no more", assertInstanceOf(IllegalStateException.class, failed.next()).getMessage());
        }
    }

    /** 3.12: cancelling frees the pages; 3.5: it returns; 1.8: signals stop. */
    @Test
    void cancellingEndsTheRequest() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            TokenStream stream = llm.stream(Prompt.of("hello"), LONG);
            var reader = new Noting(Long.MAX_VALUE, (n, _) -> {
                if (n.received.get() == 4) {
                    n.subscription.cancel();
                }
            });
            stream.subscribe(reader);
            assertEquals(FinishReason.CANCELLED, stream.result().join().finishReason());
            assertNothingHeld(llm);
            assertInstanceOf(Flow.Subscription.class, reader.next());
            for (int i = 0; i < 5; i++) {
                assertInstanceOf(Piece.class, reader.next());
            }
            assertTrue(reader.calls.isEmpty());
        }
    }

    /** 3.9. */
    @Test
    void askingForNothingIsAnError() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            for (long n : new long[] {0, -1, Long.MIN_VALUE}) {
                TokenStream stream = llm.stream(Prompt.of("hello"), LONG);
                Noting reader = noting(0);
                stream.subscribe(reader);
                reader.next();
                reader.subscription.request(n);
                String message = assertInstanceOf(IllegalArgumentException.class, reader.next()).getMessage();
                assertTrue(message.contains("asked for " + n), message);
                assertEquals(FinishReason.CANCELLED, stream.result().join().finishReason());
            }
            assertNothingHeld(llm);
        }
    }

    /** 2.13. */
    @Test
    void aThrowingSubscriberEndsItsOwnRequestOnly() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            TokenStream bad = llm.stream(Prompt.of("hello"), LONG);
            TokenStream good = llm.stream(Prompt.of("other"), LONG);
            var throwing = new Noting(Long.MAX_VALUE, (_, _) -> {
                throw new IllegalStateException("bad subscriber");
            });
            Noting reader = noting(Long.MAX_VALUE);
            bad.subscribe(throwing);
            good.subscribe(reader);
            assertEquals(FinishReason.CANCELLED, bad.result().join().finishReason());
            assertEquals(2, throwing.calls.size());
            assertEquals(good.result().join().text(), reader.textUntilEnd());
            assertNothingHeld(llm);
        }
    }

    /** 1.9, 1.11: one reader; others are told so after onSubscribe. */
    @Test
    void oneReaderOnly() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            TokenStream stream = llm.stream(Prompt.of("hello"), LONG);
            assertThrows(NullPointerException.class, () -> stream.subscribe(null));
            Noting first = noting(Long.MAX_VALUE);
            Noting second = noting(7);
            stream.subscribe(first);
            stream.subscribe(second);
            assertInstanceOf(Flow.Subscription.class, second.next());
            assertInstanceOf(IllegalStateException.class, second.next());
            assertThrows(IllegalStateException.class, stream::iterator);
            assertEquals(stream.result().join().text(), first.textUntilEnd());

            TokenStream iterated = llm.stream(Prompt.of("hello"), LONG);
            var it = iterated.iterator();
            Noting late = noting(1);
            iterated.subscribe(late);
            assertInstanceOf(Flow.Subscription.class, late.next());
            assertInstanceOf(IllegalStateException.class, late.next());
            assertTrue(it.hasNext());
            iterated.close();
            assertFalse(late.over && !late.calls.isEmpty());
        }
    }

    @Test
    void closingTheLlmFromASubscriberDoesNotHang() throws Exception {
        LLM llm = TinyLlm.open(OPTIONS);
        TokenStream stream = llm.stream(Prompt.of("hello"), LONG);
        Noting reader = new Noting(Long.MAX_VALUE, (_, _) -> llm.close());
        stream.subscribe(reader);
        String text = reader.textUntilEnd();
        assertEquals(FinishReason.CANCELLED, stream.result().join().finishReason());
        assertEquals(stream.result().join().text(), text);
        assertEquals(0, llm.memory().weights());
    }

    /** A subscriber that waits inside onNext holds up nobody else. */
    @Test
    void aSlowSubscriberRestsAlone() throws Exception {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            var gate = new CountDownLatch(1);
            TokenStream slow = llm.stream(Prompt.of("hello"), LONG);
            Noting reader = new Noting(Long.MAX_VALUE, (_, _) -> await(gate));
            slow.subscribe(reader);
            for (int i = 0; i < 3; i++) {
                assertEquals(200, llm.generate("other", LONG).tokenIds().length);
            }
            assertFalse(slow.result().isDone());
            gate.countDown();
            assertEquals(slow.result().join().text(), reader.textUntilEnd());
        }
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
