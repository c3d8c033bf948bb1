package io.jllm.examples.cli.soak;

import io.jllm.EngineListener;
import io.jllm.RequestOutput;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Hears from the engine how each request ended, and whether it ended once. Safe for all threads. */
final class Ends implements EngineListener {
    private final Map<Long, CompletableFuture<RequestOutput>> ends = new ConcurrentHashMap<>();
    private final AtomicLong again = new AtomicLong();
    private final AtomicLong begun = new AtomicLong();
    private final AtomicLong ended = new AtomicLong();

    @Override
    public void queued(long requestId, int promptTokens) {
        begun.incrementAndGet();
    }

    @Override
    public void finished(RequestOutput output) {
        ended.incrementAndGet();
        end(output);
    }

    @Override
    public void refused(RequestOutput output) {
        end(output);
    }

    private void end(RequestOutput output) {
        if (!of(output.requestId()).complete(output)) {
            again.incrementAndGet();
        }
    }

    /** The end of a request, which may be to come. */
    CompletableFuture<RequestOutput> of(long requestId) {
        return ends.computeIfAbsent(requestId, _ -> new CompletableFuture<>());
    }

    /** Requests that ended although they had ended before. */
    long again() {
        return again.get();
    }

    /** Requests that the engine took in and did not end; some may still run. */
    long open() {
        return begun.get() - ended.get();
    }

    /** Forgets all that have ended. */
    void forget() {
        ends.values().removeIf(CompletableFuture::isDone);
    }
}
