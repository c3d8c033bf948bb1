package io.jllm.engine.request;

import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.TokenStream;
import io.jllm.engine.sequence.ResultSink;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;

/** A request as its caller sees it, who waits for the result alone. */
public sealed class PendingRequest implements ResultSink, RequestHandle permits StreamingRequest {
    private static final Runnable NOTHING = () -> {
    };
    /** Each count of a {@link Progress} has so many bits of {@link #progress}; the state is above both. */
    private static final int BITS = 31;
    private static final long COUNT = (1L << BITS) - 1;

    private final long id;
    private final Executor callbacks;
    private final Runnable leaveQueue;
    private final AtomicBoolean left = new AtomicBoolean();
    private final CompletableFuture<RequestOutput> result = new CompletableFuture<>();
    private volatile Runnable canceller = NOTHING;
    private volatile long progress;
    private int promptTokens;

    /**
     * @param callbacks runs what depends on the result
     * @param leaveQueue called once: when the request no longer waits for a place in the batch
     */
    PendingRequest(long id, Executor callbacks, Runnable leaveQueue) {
        this.id = id;
        this.callbacks = callbacks;
        this.leaveQueue = leaveQueue;
        // Whoever else completes the future has no use for the request any more.
        result.whenComplete((_, _) -> cancel());
    }

    /** The request exists now, with so many prompt tokens. Called before anybody else sees this. */
    void begin(int tokens, Runnable onCancel) {
        promptTokens = tokens;
        canceller = onCancel;
    }

    /** Takes it out of the queue, if it is in. */
    void leaveQueue() {
        if (!left.getAndSet(true)) {
            leaveQueue.run();
        }
    }

    @Override
    public long requestId() {
        return id;
    }

    @Override
    public CompletableFuture<RequestOutput> result() {
        return result;
    }

    @Override
    public void cancel() {
        canceller.run();
    }

    @Override
    public Progress progress() {
        long now = progress;
        Progress.State state = Progress.State.values()[(int) (now >>> 2 * BITS)];
        return new Progress(state == Progress.State.RUNNING && full() ? Progress.State.PAUSED : state, promptTokens,
                (int) (now >>> BITS & COUNT), (int) (now & COUNT));
    }

    private void progress(Progress.State state, long prompt, long generated) {
        progress = (long) state.ordinal() << 2 * BITS | prompt << BITS | generated;
    }

    @Override
    public void admitted() {
        leaveQueue();
        progress(Progress.State.RUNNING, progress >>> BITS & COUNT, progress & COUNT);
    }

    @Override
    public void preempted() {
        progress(Progress.State.PAUSED, 0, progress & COUNT);
    }

    @Override
    public void progressed(int prompt, int generated) {
        progress(Progress.State.RUNNING, prompt, generated);
    }

    @Override
    public void piece(TokenStream.Piece piece) {
        // The whole text comes with the result.
    }

    @Override
    public void done(RequestOutput output) {
        leaveQueue();
        canceller = NOTHING;
        progress(Progress.State.FINISHED, progress >>> BITS & COUNT, progress & COUNT);
        // What depends on the future must not run on the engine's thread.
        try {
            callbacks.execute(() -> result.complete(output));
        } catch (OutOfMemoryError e) {
            result.complete(output); // better here than never
        }
    }

    @Override
    public boolean full() {
        return false;
    }
}
