package io.jllm.server.generation;

import io.jllm.TokenStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.stream.IntStream;

/**
 * Reads streams. The pieces are taken on the engine's threads for callbacks, while the one that reads sleeps to the end: waking it for each piece
 * would cost as much as sending the piece does. A sink that has to wait for its client holds up its own stream only; it keeps one of those threads
 * meanwhile.
 */
public final class Streams {
    /** Takes pieces, of one stream one after the other, of several at once. */
    @FunctionalInterface
    public interface Sink {
        /**
         * The next piece.
         *
         * @param stream which, from 0
         * @param more whether another one of the same stream is there already, so that this one need not be sent on its own
         */
        void take(int stream, TokenStream.Piece piece, boolean more) throws IOException;
    }

    private Streams() {
    }

    /**
     * Passes on what comes of all of them, to their ends. Where one fails, all are cancelled.
     *
     * @throws IOException if the client has gone
     * @throws io.jllm.server.http.ApiError what a request failed with
     */
    public static void read(List<TokenStream> streams, Sink sink) throws IOException, InterruptedException {
        List<Reader> readers = IntStream.range(0, streams.size()).mapToObj(i -> new Reader(i, streams.get(i), sink)).toList();
        for (Reader r : readers) {
            r.ended.whenComplete((_, failure) -> {
                if (failure != null) {
                    streams.forEach(TokenStream::cancel);
                }
            });
            r.stream.subscribe(r);
        }
        try {
            CompletableFuture.allOf(readers.stream().map(r -> r.ended).toArray(CompletableFuture<?>[]::new)).get();
        } catch (InterruptedException e) {
            streams.forEach(TokenStream::cancel);
            throw e;
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case UncheckedIOException gone -> throw gone.getCause();
                case RuntimeException failed -> throw Failures.of(failed);
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    /** Reads one of them. */
    private static final class Reader implements Flow.Subscriber<TokenStream.Piece> {
        private final int number;
        private final TokenStream stream;
        private final Sink sink;
        private final CompletableFuture<Void> ended = new CompletableFuture<>();
        private int tokens;

        Reader(int number, TokenStream stream, Sink sink) {
            this.number = number;
            this.stream = stream;
            this.sink = sink;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscription.request(Long.MAX_VALUE); // who has not taken the last piece is not given the next
        }

        @Override
        public void onNext(TokenStream.Piece piece) {
            tokens += piece.token().isPresent() ? 1 : 0;
            if (!ended.isDone()) {
                try {
                    sink.take(number, piece, stream.progress().generatedTokens() > tokens);
                } catch (IOException e) {
                    ended.completeExceptionally(new UncheckedIOException(e));
                } catch (RuntimeException | Error e) {
                    ended.completeExceptionally(e);
                }
            }
        }

        @Override
        public void onError(Throwable failure) {
            ended.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            ended.complete(null);
        }
    }
}
