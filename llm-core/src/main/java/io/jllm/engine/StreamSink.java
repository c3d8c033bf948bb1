package io.jllm.engine;

import io.jllm.RequestOutput;
import io.jllm.TokenStream;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/** Delivers text piece by piece to one reader, and has the request rest while the reader is behind. */
final class StreamSink implements ResultSink, TokenStream {
    /** Pieces that may wait for a reader. */
    private static final int CAPACITY = 64;

    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final FutureSink result = new FutureSink();
    private final AtomicBoolean iterated = new AtomicBoolean();
    private final Runnable wakeEngine;

    /** What the reader finds in the queue. */
    private sealed interface Event {
        record More(Piece piece) implements Event {
        }

        record End(RequestOutput output) implements Event {
        }
    }

    StreamSink(Runnable wakeEngine) {
        this.wakeEngine = wakeEngine;
    }

    FutureSink future() {
        return result;
    }

    @Override
    public void piece(Piece piece) {
        events.add(new Event.More(piece));
    }

    @Override
    public void done(RequestOutput output) {
        events.add(new Event.End(output));
        result.done(output);
    }

    /** Only a reader that has begun can be behind: one that waits for the result alone must get it. */
    @Override
    public boolean full() {
        return iterated.get() && events.size() >= CAPACITY;
    }

    @Override
    public CompletableFuture<RequestOutput> result() {
        return result;
    }

    @Override
    public void close() {
        result.requestCancel();
    }

    @Override
    public Iterator<Piece> iterator() {
        if (iterated.getAndSet(true)) {
            throw new IllegalStateException("a stream can be read once; it is being read or was read already");
        }
        return new Reader();
    }

    private final class Reader implements Iterator<Piece> {
        private Event next;

        @Override
        public boolean hasNext() {
            if (next == null) {
                try {
                    next = events.take();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    close();
                    throw new CancellationException("interrupted while reading a stream; its request is cancelled");
                }
                if (events.size() == CAPACITY / 2) {
                    wakeEngine.run();
                }
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
