package io.jllm.engine;

import io.jllm.RequestOutput;
import io.jllm.TokenStream;
import java.util.concurrent.CompletableFuture;

/** Delivers the result alone, as a future. Cancelling the future cancels the request. */
final class FutureSink extends CompletableFuture<RequestOutput> implements ResultSink {
    private volatile Runnable canceller = () -> {
    };

    /** How to cancel the request; set before anybody else sees this. */
    void onCancel(Runnable action) {
        canceller = action;
    }

    /** Cancels the request; the future still gets its result, with what there is. */
    void requestCancel() {
        canceller.run();
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        boolean cancelled = super.cancel(mayInterruptIfRunning);
        if (cancelled) {
            canceller.run();
        }
        return cancelled;
    }

    @Override
    public void piece(TokenStream.Piece piece) {
        // The whole text comes with the result.
    }

    @Override
    public void done(RequestOutput output) {
        // What depends on the future must not run on the engine's thread.
        Thread.startVirtualThread(() -> complete(output));
    }

    @Override
    public boolean full() {
        return false;
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new CompletableFuture<>();
    }
}
