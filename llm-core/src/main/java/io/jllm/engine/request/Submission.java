package io.jllm.engine.request;

import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import io.jllm.engine.sequence.ResultSink;
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

/** Where callers leave requests: gives each a place in the queue and a number, has it made, and waits for it if asked to. */
public final class Submission {
    private final RequestFactory requests;
    private final EngineLoop loop;
    private final QueuePermits room;
    private final Executor callbacks;
    private final int window;
    private final AtomicLong ids = new AtomicLong();

    /** What a caller asks for: a prompt, and what makes a request of it. */
    public record Asked(Prompt prompt, Making making) {
    }

    /** Makes a request of a number and a prompt's tokens. */
    public interface Making {
        SequenceGroup make(long id, int[] promptIds, ResultSink sink);
    }

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
    public PendingRequest submit(Asked asked) {
        return startNow(asked, id -> new PendingRequest(id, callbacks, room::giveBack));
    }

    /** Starts a request, or refuses it at once. */
    public StreamingRequest stream(Asked asked) {
        return startNow(asked, id -> new StreamingRequest(id, callbacks, room::giveBack, loop));
    }

    private <S extends PendingRequest> S startNow(Asked asked, LongFunction<S> sinks) {
        loop.checkOpen();
        takeNow(List.of(asked));
        S sink = sinks.apply(ids.incrementAndGet());
        if (!start(asked, sink)) {
            loop.checkOpen();
        }
        return sink;
    }

    private void takeNow(List<Asked> asked) {
        try {
            room.takeNow(asked.size());
        } catch (RequestRejectedException e) {
            asked.forEach(a -> loop.refused(SequenceGroup.refused(ids.incrementAndGet(), a.prompt(), new int[0], e)));
            throw e;
        }
    }

    /** Starts all or refuses all at once. */
    public CompletableFuture<List<RequestOutput>> allNow(List<Asked> asked) {
        loop.checkOpen();
        takeNow(asked);
        var sinks = new ArrayList<PendingRequest>(asked.size());
        asked.forEach(_ -> sinks.add(new PendingRequest(ids.incrementAndGet(), callbacks, room::giveBack)));
        try {
            for (int i = 0; i < sinks.size(); i++) {
                if (!start(asked.get(i), sinks.get(i))) {
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
    public List<RequestOutput> all(List<Asked> asked, String what) {
        loop.checkOpen();
        loop.checkMayWait(what);
        var sinks = new ArrayList<PendingRequest>(asked.size());
        var inQueue = new Semaphore(window);
        try {
            for (Asked one : asked) {
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
    private PendingRequest startWhenRoom(Asked asked, Semaphore inQueue) throws InterruptedException {
        boolean open = room.take();
        var sink = new PendingRequest(ids.incrementAndGet(), callbacks, () -> {
            if (open) {
                room.giveBack();
            }
            inQueue.release();
        });
        if (!open || !start(asked, sink)) {
            sink.done(SequenceGroup.tooLate(sink.requestId(), asked.prompt()));
        }
        return sink;
    }

    /** Starts a request that has its place in the queue. Bad ones fail as values; false if the engine is closed. */
    private boolean start(Asked asked, PendingRequest sink) {
        int[] promptIds = new int[0];
        SequenceGroup group;
        try {
            promptIds = requests.encode(asked.prompt());
            group = asked.making().make(sink.requestId(), promptIds, sink);
        } catch (IllegalArgumentException e) {
            RequestOutput refused = SequenceGroup.refused(sink.requestId(), asked.prompt(), promptIds, e);
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
