package io.jllm.engine.request;

import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import io.jllm.engine.sequence.SequenceGroup;
import io.jllm.engine.step.EngineLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;

/**
 * The way into the engine: each request gets a place in the queue and a number, is encoded and checked on its caller's thread, and goes into
 * the engine's inbox. Blocking calls wait here for their results.
 */
public final class Submission {
    private final RequestFactory requests;
    private final EngineLoop loop;
    private final QueuePermits room;
    private final Executor callbacks;
    private final int window;
    private final AtomicLong ids = new AtomicLong();

    /**
     * @param callbacks runs what applications hang on results and streams
     * @param window how many requests of one list may wait in the queue at once, so that others find room there
     */
    public Submission(RequestFactory requests, EngineLoop loop, QueuePermits room, Executor callbacks, int window) {
        this.requests = requests;
        this.loop = loop;
        this.room = room;
        this.callbacks = callbacks;
        this.window = Math.min(window, room.limit());
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
        return sink;
    }

    private void takeNow(List<Work> works) {
        try {
            room.takeNow(works.size());
        } catch (RequestRejectedException e) {
            works.forEach(w -> loop.refused(SequenceGroup.refused(ids.incrementAndGet(), w.prompt(), new int[0], e)));
            throw e;
        }
    }

    /** Starts all or refuses all at once. */
    public CompletableFuture<List<RequestOutput>> allNow(List<Work> works) {
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
    public List<RequestOutput> all(List<Work> works, String what) {
        loop.checkOpen();
        loop.checkMayWait(what);
        var sinks = new ArrayList<PendingRequest>(works.size());
        var inQueue = new Semaphore(window);
        try {
            for (Work one : works) {
                inQueue.acquire();
                sinks.add(startWhenRoom(one, inQueue));
            }
            var results = new ArrayList<RequestOutput>(sinks.size());
            for (PendingRequest s : sinks) {
                results.add(s.result().get());
            }
            return results;
        } catch (InterruptedException e) {
            sinks.forEach(PendingRequest::cancel);
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted in " + what + "; the requests are cancelled");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause()); // results are values, failed ones too
        } catch (RuntimeException | Error e) {
            sinks.forEach(PendingRequest::cancel);
            throw e;
        }
    }

    /** A request that the engine's end comes before is cancelled, as those are that it finds running. */
    private PendingRequest startWhenRoom(Work work, Semaphore inQueue) throws InterruptedException {
        boolean open = room.take();
        var sink = new PendingRequest(ids.incrementAndGet(), callbacks, () -> {
            if (open) {
                room.giveBack();
            }
            inQueue.release();
        });
        if (!open || !start(work, sink)) {
            sink.done(SequenceGroup.tooLate(sink.requestId(), work.prompt()));
        }
        return sink;
    }

    /** Starts a request that has its place in the queue. Bad ones fail as values; false if the engine is closed. */
    private boolean start(Work work, PendingRequest sink) {
        int[] promptIds = new int[0];
        SequenceGroup group;
        try {
            promptIds = requests.encode(work);
            group = requests.make(sink.requestId(), work, promptIds, sink);
        } catch (IllegalArgumentException e) {
            RequestOutput refused = SequenceGroup.refused(sink.requestId(), work.prompt(), promptIds, e);
            loop.refused(refused);
            sink.done(refused);
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
