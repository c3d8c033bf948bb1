package io.jllm.engine.request;

import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import io.jllm.batch.Results;
import io.jllm.engine.sequence.SequenceGroup;
import io.jllm.engine.step.EngineLoop;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongFunction;

/**
 * The way into the engine: each request gets a place in the queue and a number, is encoded and checked on its caller's thread, and goes into
 * the engine's inbox. Blocking calls wait here for their results.
 */
public final class Submission {
    /** So many times what runs at once may be begun of one call whose results are taken one by one. */
    private static final int AHEAD = 8;

    private final RequestFactory requests;
    private final EngineLoop loop;
    private final QueuePermits room;
    private final Executor callbacks;
    private final int maxSequences;
    private final int window;
    private final AtomicLong ids = new AtomicLong();

    /**
     * @param callbacks runs what applications hang on results and streams
     * @param maxSequences how many requests run at once; as many of one call may wait in the queue, so that others find room there
     */
    public Submission(RequestFactory requests, EngineLoop loop, QueuePermits room, Executor callbacks, int maxSequences) {
        this.requests = requests;
        this.loop = loop;
        this.room = room;
        this.callbacks = callbacks;
        this.maxSequences = maxSequences;
        window = Math.min(maxSequences, room.limit());
    }

    /** Starts a request, or refuses it at once. */
    public PendingRequest submit(Work work) {
        return startNow(work, id -> new PendingRequest(id, callbacks, room::giveBack));
    }

    /** Starts a request, or refuses it at once. */
    public StreamingRequest stream(Work work) {
        return startNow(work, id -> new StreamingRequest(id, callbacks, room::giveBack, loop));
    }

    private <S extends PendingRequest> S startNow(Work work, LongFunction<S> sinks) {
        loop.checkOpen();
        takeNow(List.of(work));
        S sink = sinks.apply(ids.incrementAndGet());
        if (!start(work, sink)) {
            loop.checkOpen();
        }
        loop.wake();
        return sink;
    }

    private void takeNow(List<? extends Work> works) {
        try {
            room.takeNow(works.size());
        } catch (RequestRejectedException e) {
            works.forEach(w -> loop.refused(SequenceGroup.refused(ids.incrementAndGet(), w.prompt(), new int[0], e)));
            throw e;
        }
    }

    /** Starts all or refuses all at once. */
    public CompletableFuture<List<RequestOutput>> allNow(List<? extends Work> works) {
        loop.checkOpen();
        takeNow(works);
        var sinks = new ArrayList<PendingRequest>(works.size());
        works.forEach(_ -> sinks.add(new PendingRequest(ids.incrementAndGet(), callbacks, room::giveBack)));
        try {
            for (int i = 0; i < sinks.size(); i++) {
                if (!start(works.get(i), sinks.get(i))) {
                    loop.checkOpen();
                }
            }
        } catch (Throwable t) {
            sinks.forEach(PendingRequest::cancel);
            sinks.forEach(PendingRequest::leaveQueue);
            throw t;
        } finally {
            loop.wake();
        }
        var results = sinks.stream().map(PendingRequest::result).toArray(CompletableFuture<?>[]::new);
        var all = CompletableFuture.allOf(results).thenApply(_ -> sinks.stream().map(s -> s.result().join()).toList());
        all.whenComplete((_, _) -> sinks.forEach(PendingRequest::cancel)); // once all are there, that does nothing
        return all;
    }

    /**
     * Feeds a list of any length to the engine, as the queue has room, and waits for all.
     *
     * @param what the call, in words
     */
    public List<RequestOutput> all(List<? extends Work> works, String what) {
        loop.checkOpen();
        loop.checkMayWait(what);
        var sinks = new ArrayList<PendingRequest>(works.size());
        var inQueue = new Semaphore(window);
        try {
            for (Work one : works) {
                if (!inQueue.tryAcquire()) {
                    loop.wake();
                    inQueue.acquire();
                }
                sinks.add(startWhenRoom(Asked.of(one, output -> output), inQueue::release));
            }
            loop.wake();
            var results = new ArrayList<RequestOutput>(sinks.size());
            for (PendingRequest s : sinks) {
                results.add(await(s));
            }
            return results;
        } catch (InterruptedException e) {
            sinks.forEach(PendingRequest::cancel);
            throw interrupted(what);
        } catch (RuntimeException | Error e) {
            sinks.forEach(PendingRequest::cancel);
            throw e;
        }
    }

    /**
     * Feeds requests to the engine as their results are taken.
     *
     * @param asking what the engine is asked for one of the source; called on the thread that takes results
     * @param what the call, in words
     */
    public <S, T> Results<T> each(Iterator<? extends S> source, Function<S, Asked<T>> asking, String what) {
        loop.checkOpen();
        return new WindowedResults<>(this, Objects.requireNonNull(source), asking, AHEAD * maxSequences, window, what);
    }

    boolean isOpen() {
        return !loop.closed();
    }

    void checkOpen() {
        loop.checkOpen();
    }

    void checkMayWait(String what) {
        loop.checkMayWait(what);
    }

    /** What is made of results; whoever cancels it cancels what they come from. */
    public static <A, B> CompletableFuture<B> made(CompletableFuture<A> results, Function<A, B> maker) {
        CompletableFuture<B> made = results.thenApply(maker);
        made.whenComplete((_, _) -> results.cancel(false)); // once they are there, that does nothing
        return made;
    }

    /** Waits for a result. */
    RequestOutput await(PendingRequest request) throws InterruptedException {
        try {
            return request.result().get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause()); // results are values, failed ones too
        }
    }

    /** Marks the thread as interrupted, and says so. */
    static CancellationException interrupted(String what) {
        Thread.currentThread().interrupt();
        return new CancellationException("interrupted in " + what + "; the requests are cancelled");
    }

    /** Has the engine begin with what was started. */
    void wake() {
        loop.wake();
    }

    /**
     * Waits for room in the queue; whoever starts no more for now calls {@link #wake}. A request that the engine's end comes before is cancelled, as
     * those are that it finds running.
     *
     * @param left called once: when the request no longer waits for a place in the batch
     */
    PendingRequest startWhenRoom(Asked<?> asked, Runnable left) throws InterruptedException {
        boolean open = room.take(loop::wake);
        var sink = new PendingRequest(ids.incrementAndGet(), callbacks, () -> {
            if (open) {
                room.giveBack();
            }
            left.run();
        });
        Work work = asked.work();
        if (asked.refusal().isPresent()) {
            refuse(sink, work, new int[0], asked.refusal().get());
        } else if (!open || !start(work, sink)) {
            sink.done(SequenceGroup.tooLate(sink.requestId(), work.prompt()));
        }
        return sink;
    }

    private void refuse(PendingRequest sink, Work work, int[] promptIds, IllegalArgumentException why) {
        RequestOutput refused = SequenceGroup.refused(sink.requestId(), work.prompt(), promptIds, why);
        loop.refused(refused);
        sink.done(refused);
    }

    /** Starts a request that has its place in the queue. Bad ones fail as values; false if the engine is closed. */
    private boolean start(Work work, PendingRequest sink) {
        int[] promptIds = new int[0];
        SequenceGroup group;
        try {
            promptIds = requests.encode(work);
            group = requests.make(sink.requestId(), work, promptIds, sink);
        } catch (IllegalArgumentException e) {
            refuse(sink, work, promptIds, e);
            return true;
        } catch (Throwable t) {
            sink.leaveQueue();
            if (loop.closed()) {
                return false; // the tokenizer may have been closed meanwhile
            }
            throw t;
        }
        sink.begin(promptIds.length, () -> loop.cancel(group));
        boolean begun = loop.submit(group);
        if (!begun) {
            sink.leaveQueue();
        }
        return begun;
    }
}
