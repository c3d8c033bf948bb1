package io.jllm.engine.request;

import io.jllm.TokenStream.Piece;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Passes a stream's pieces on to its subscriber, by the rules of Reactive Streams 1.0.4 that {@link Flow} repeats. All calls to the
 * subscriber are made by a task that runs as long as there is something to pass on: whoever has something new counts it in
 * {@link #signals}, and the one who counted from zero has the task run. So calls are serial, and nobody waits for a subscriber.
 */
final class PieceSubscription implements Flow.Subscription {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final StreamingRequest stream;
    private final Executor callbacks;
    private final AtomicInteger signals = new AtomicInteger();
    private final AtomicLong demand = new AtomicLong();
    private volatile boolean cancelled;
    private volatile long badRequest = 1; // what was asked for, where it was not above zero
    private Flow.Subscriber<? super Piece> subscriber; // null when it has had its last call
    private boolean introduced;

    PieceSubscription(StreamingRequest stream, Executor callbacks, Flow.Subscriber<? super Piece> subscriber) {
        this.stream = stream;
        this.callbacks = callbacks;
        this.subscriber = subscriber;
    }

    /** Tells one who comes too late. */
    static void refuse(Executor callbacks, Flow.Subscriber<? super Piece> subscriber, IllegalStateException error) {
        callbacks.execute(() -> {
            try {
                subscriber.onSubscribe(new Flow.Subscription() {
                    @Override
                    public void request(long n) {
                        // there is nothing to give
                    }

                    @Override
                    public void cancel() {
                        // there is nothing to cancel
                    }
                });
                subscriber.onError(error);
            } catch (Throwable t) {
                LOG.log(System.Logger.Level.WARNING, "a subscriber that came too late failed", t);
            }
        });
    }

    /** Something new is in the stream. */
    void come(StreamingRequest.Event event) {
        // Pieces that nobody asked for wait until somebody does, who signals then.
        if (demand.get() > 0 || event instanceof StreamingRequest.Event.End) {
            signal();
        }
    }

    /** There may be something to pass on. */
    void signal() {
        if (signals.getAndIncrement() == 0) {
            callbacks.execute(this::passOn);
        }
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            badRequest = n;
        } else {
            demand.accumulateAndGet(n, (now, more) -> now + more < 0 ? Long.MAX_VALUE : now + more);
        }
        signal();
    }

    @Override
    public void cancel() {
        cancelled = true;
        stream.cancel();
        signal();
    }

    private void passOn() {
        int seen = signals.get();
        while (seen != 0) {
            try {
                passAll();
            } catch (Throwable t) {
                subscriber = null;
                stream.cancel();
                LOG.log(System.Logger.Level.WARNING, "a subscriber failed; request " + stream.requestId() + " is cancelled", t);
            }
            seen = signals.addAndGet(-seen);
        }
    }

    private void passAll() {
        if (subscriber != null && !introduced) {
            introduced = true;
            subscriber.onSubscribe(this);
        }
        while (subscriber != null && passNext()) {
            // until there is no more to pass on
        }
    }

    /** Makes the next call; false if none is due. */
    private boolean passNext() {
        if (cancelled) {
            subscriber = null;
            return false;
        }
        if (badRequest <= 0) {
            stream.cancel();
            last().onError(new IllegalArgumentException("a subscriber must ask for more than 0 pieces, asked for " + badRequest));
            return false;
        }
        switch (stream.peek()) {
            case null -> {
                return false;
            }
            case StreamingRequest.Event.More more -> {
                if (demand.get() == 0) {
                    return false;
                }
                demand.getAndUpdate(n -> n == Long.MAX_VALUE ? n : n - 1);
                stream.skip();
                subscriber.onNext(more.piece());
                return true;
            }
            case StreamingRequest.Event.End end -> {
                Flow.Subscriber<? super Piece> told = last();
                end.output().error().ifPresentOrElse(told::onError, told::onComplete);
                return false;
            }
        }
    }

    /** The subscriber, for its last call. */
    private Flow.Subscriber<? super Piece> last() {
        Flow.Subscriber<? super Piece> told = subscriber;
        subscriber = null;
        return told;
    }
}
