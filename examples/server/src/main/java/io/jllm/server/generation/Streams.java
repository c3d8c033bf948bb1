package io.jllm.server.generation;

import io.jllm.TokenStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicReference;

/** Reads several streams at once. */
public final class Streams {
    /** Takes pieces, of one stream by one thread, of several by several at once. */
    @FunctionalInterface
    public interface Sink {
        /**
         * The next piece.
         *
         * @param stream which, from 0
         */
        void take(int stream, TokenStream.Piece piece) throws IOException;
    }

    private Streams() {
    }

    /**
     * Passes on what comes of all of them, to their ends. Where one fails, all are cancelled.
     *
     * @throws IOException if the client has gone
     */
    public static void read(List<TokenStream> streams, Sink sink) throws IOException, InterruptedException {
        if (streams.size() == 1) {
            read(0, streams.getFirst(), sink);
            return;
        }
        var failure = new AtomicReference<Exception>();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < streams.size(); i++) {
            int stream = i;
            threads.add(Thread.ofVirtual().name("jllm-server-reader").start(() -> {
                try {
                    read(stream, streams.get(stream), sink);
                } catch (IOException | InterruptedException | RuntimeException e) {
                    failure.compareAndSet(null, e);
                    streams.forEach(TokenStream::cancel);
                }
            }));
        }
        try {
            for (Thread t : threads) {
                t.join();
            }
        } catch (InterruptedException e) {
            streams.forEach(TokenStream::cancel);
            threads.forEach(Thread::interrupt);
            throw e;
        }
        switch (failure.get()) {
            case null -> { }
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            default -> throw new InterruptedException();
        }
    }

    private static void read(int stream, TokenStream pieces, Sink sink) throws IOException, InterruptedException {
        try {
            for (TokenStream.Piece piece : pieces) {
                sink.take(stream, piece);
            }
        } catch (CancellationException _) {
            throw new InterruptedException();
        } catch (RuntimeException e) {
            throw Failures.of(e);
        }
    }
}
