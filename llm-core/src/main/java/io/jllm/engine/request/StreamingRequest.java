package io.jllm.engine.request;

import io.jllm.RequestOutput;
import io.jllm.TokenStream;
import io.jllm.engine.step.EngineLoop;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/** Delivers text piece by piece to one reader, and has the request rest while the reader is behind. */
final class StreamingRequest extends PendingRequest implements TokenStream {
    /** So many pieces wait for a reader when the request begins to rest; a step that is under way then adds its own. */
    static final int CAPACITY = 64;

    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final AtomicBoolean read = new AtomicBoolean();
    private final Executor callbacks;
    private final EngineLoop loop;
    private volatile PieceSubscription subscription; // null until somebody subscribes

    /** What the reader finds in the buffer. */
    sealed interface Event {
        /** More text. */
        record More(Piece piece) implements Event {
        }

        /** The last event. */
        record End(RequestOutput output) implements Event {
        }
    }

    StreamingRequest(long id, Executor callbacks, Runnable leaveQueue, EngineLoop loop) {
        super(id, callbacks, leaveQueue);
        this.callbacks = callbacks;
        this.loop = loop;
    }

    @Override
    public void piece(Piece piece) {
        add(new Event.More(piece));
    }

    @Override
    public void done(RequestOutput output) {
        add(new Event.End(output));
        super.done(output);
    }

    private void add(Event event) {
        events.add(event);
        PieceSubscription subscribed = subscription;
        if (subscribed != null) {
            subscribed.come(event);
        }
    }

    /** Only a reader that has begun can be behind: one that waits for the result alone must get it. */
    @Override
    public boolean full() {
        return read.get() && events.size() >= CAPACITY;
    }

    /** The next event, without taking it; null if there is none yet. */
    Event peek() {
        return events.peek();
    }

    /** The reader has taken an event; the engine may be waiting for that. */
    void taken() {
        if (events.size() == CAPACITY / 2) {
            loop.wake();
        }
    }

    /** Takes the next event, which is there. */
    void skip() {
        events.remove();
        taken();
    }

    @Override
    public void close() {
        cancel();
    }

    @Override
    public Iterator<Piece> iterator() {
        if (read.getAndSet(true)) {
            throw alreadyRead();
        }
        return new Reader();
    }

    @Override
    public void subscribe(Flow.Subscriber<? super Piece> subscriber) {
        Objects.requireNonNull(subscriber, "subscriber");
        if (read.getAndSet(true)) {
            PieceSubscription.refuse(callbacks, subscriber, alreadyRead());
        } else {
            subscription = new PieceSubscription(this, callbacks, subscriber);
            subscription.signal();
        }
    }

    private static IllegalStateException alreadyRead() {
        return new IllegalStateException("a stream can be read once; it is being read or was read already");
    }

    private final class Reader implements Iterator<Piece> {
        private Event next;

        @Override
        public boolean hasNext() {
            if (next == null) {
                loop.checkMayWait("reading a stream");
                try {
                    next = events.take();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    close();
                    throw new CancellationException("interrupted while reading a stream; its request is cancelled");
                }
                taken();
            }
            return switch (next) {
                case Event.More _ -> true;
                case Event.End end -> {
                    end.output().error().ifPresent(e -> {
                        throw e;
                    });
                    yield false;
                }
            };
        }

        @Override
        public Piece next() {
            if (!hasNext() || !(next instanceof Event.More more)) {
                throw new NoSuchElementException("the stream has ended");
            }
            next = null;
            return more.piece();
        }
    }
}
