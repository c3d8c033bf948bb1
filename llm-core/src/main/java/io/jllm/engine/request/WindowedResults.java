package io.jllm.engine.request;

import io.jllm.RequestOutput;
import io.jllm.batch.Results;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** Reads requests as results are taken: those that are begun and not taken are a window. */
final class WindowedResults<S, T> implements Results<T> {
    private final Submission callers;
    private final Iterator<? extends S> source;
    private final Function<S, Asked<T>> asking;
    private final int window;
    private final int mostWaiting;
    private final String what;
    /** Of those that are begun, how many wait in the engine's queue. */
    private final AtomicInteger waiting = new AtomicInteger();
    /** Gets a permit whenever one leaves the queue or ends, or this is closed; for the one thread that takes results. */
    private final Semaphore news = new Semaphore(0);
    /** In the order of the source; another thread may look through it to close. */
    private final Queue<Begun<T>> begun = new ConcurrentLinkedQueue<>();
    private int count; // of those
    private Optional<Throwable> failure = Optional.empty(); // behind those
    private volatile boolean closed;

    private record Begun<T>(PendingRequest request, Function<RequestOutput, T> made) {
    }

    /**
     * @param asking what the engine is asked for one of the source
     * @param window most requests that are begun and not taken
     * @param mostWaiting most of them that wait in the engine's queue
     * @param what the call, in words
     */
    WindowedResults(Submission callers, Iterator<? extends S> source, Function<S, Asked<T>> asking, int window, int mostWaiting, String what) {
        this.callers = callers;
        this.source = source;
        this.asking = asking;
        this.window = window;
        this.mostWaiting = mostWaiting;
        this.what = what;
    }

    @Override
    public boolean hasNext() {
        return !closed && (count > 0 || failure.isPresent() || source.hasNext());
    }

    @Override
    public T next() {
        callers.checkMayWait(what);
        if (closed) {
            throw new NoSuchElementException(what + " was closed");
        }
        try {
            fill();
            if (count == 0) {
                throw ending();
            }
            Begun<T> oldest = begun.element();
            RequestOutput output = callers.await(oldest.request);
            if (closed) {
                throw new CancellationException(what + " was closed while it waited for a result");
            }
            begun.remove();
            count--;
            return oldest.made.apply(output);
        } catch (InterruptedException e) {
            close();
            throw Submission.interrupted(what);
        }
    }

    /** Begins what there is room for, and waits for room only where there is nothing to be taken yet. */
    private void fill() throws InterruptedException {
        while (!closed && failure.isEmpty() && count < window && callers.isOpen() && placeOrResult()) {
            try {
                if (!source.hasNext()) {
                    return;
                }
                Asked<T> asked = asking.apply(source.next());
                waiting.incrementAndGet();
                PendingRequest request = callers.startWhenRoom(asked, () -> {
                    waiting.decrementAndGet();
                    news.release();
                });
                request.result().whenComplete((_, _) -> news.release());
                begun.add(new Begun<>(request, asked.made()));
                count++;
                callers.wake(); // the source may take its time
            } catch (RuntimeException | Error t) {
                failure = Optional.of(t);
            }
        }
        if (closed) { // perhaps after close looked through them
            cancel();
        }
    }

    /** Waits for a place in the queue, or for the oldest result; false if it is the latter. */
    private boolean placeOrResult() throws InterruptedException {
        while (waiting.get() >= mostWaiting) {
            if (closed || begun.element().request.result().isDone()) { // those that wait are among them
                return false;
            }
            news.acquire();
            news.drainPermits();
        }
        return true;
    }

    /** Why there is no next one. */
    private RuntimeException ending() {
        if (!closed && failure.isEmpty() && source.hasNext()) {
            callers.checkOpen(); // throws: else it would have been begun
        }
        Optional<Throwable> thrown = closed ? Optional.empty() : failure;
        close();
        return switch (thrown.orElse(null)) {
            case null -> new NoSuchElementException("there are no more results of " + what);
            case RuntimeException e -> e;
            case Error e -> throw e;
            case Throwable t -> new IllegalStateException(t);
        };
    }

    private void cancel() {
        begun.forEach(b -> b.request.cancel());
    }

    @Override
    public void close() {
        closed = true;
        news.release();
        cancel();
    }
}
