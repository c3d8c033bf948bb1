package io.jllm.examples.cli.soak;

import io.jllm.TokenStream.Piece;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/** Takes pieces of a text as they come, some at a time. */
final class PieceReader implements Flow.Subscriber<Piece> {
    private final int atOnce;
    private final int failAt;
    private final List<Piece> pieces = new ArrayList<>();
    private final CompletableFuture<Optional<Throwable>> end = new CompletableFuture<>();
    private Flow.Subscription subscription;
    private int asked;

    /**
     * @param atOnce how many pieces it asks for at a time
     * @param failAt the piece at which it fails, counted from 1
     */
    PieceReader(int atOnce, int failAt) {
        this.atOnce = atOnce;
        this.failAt = failAt;
    }

    /** Comes with the end, with what went wrong if anything did. What was read may be looked at then. */
    CompletableFuture<Optional<Throwable>> end() {
        return end;
    }

    /** What was read. */
    List<Piece> pieces() {
        return pieces;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription = given;
        ask();
    }

    private void ask() {
        asked += atOnce;
        subscription.request(atOnce);
    }

    @Override
    public void onNext(Piece piece) {
        pieces.add(piece);
        if (pieces.size() > asked) {
            throw new IllegalStateException("asked for " + asked + " pieces and got " + pieces.size());
        }
        if (pieces.size() == failAt) {
            throw new IllegalStateException("this reader was made to fail");
        }
        if (pieces.size() == asked) {
            ask();
        }
    }

    @Override
    public void onError(Throwable e) {
        end.complete(Optional.of(e));
    }

    @Override
    public void onComplete() {
        end.complete(Optional.empty());
    }
}
