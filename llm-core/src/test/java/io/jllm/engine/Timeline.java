package io.jllm.engine;

import io.jllm.EngineListener;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongConsumer;

/** Notes in which step what happened to requests, and does something when a step begins, on the engine's thread. */
public final class Timeline implements EngineListener {
    private final Map<Long, Long> queued = new ConcurrentHashMap<>();
    private final Map<Long, Long> firstToken = new ConcurrentHashMap<>();
    private final Map<Long, Long> finished = new ConcurrentHashMap<>();
    private final List<Long> started = new CopyOnWriteArrayList<>();
    private final LongConsumer atStep;
    private volatile long now;

    /** @param atStep is given the number of a step that begins; what it submits can be in the next one at the earliest */
    public Timeline(LongConsumer atStep) {
        this.atStep = atStep;
    }

    @Override
    public void stepStarted(long number) {
        now = number;
        atStep.accept(number);
    }

    @Override
    public void queued(long requestId, int promptTokens) {
        queued.put(requestId, now);
    }

    @Override
    public void started(long requestId, int cachedTokens) {
        started.add(requestId);
    }

    @Override
    public void firstToken(long requestId) {
        firstToken.put(requestId, now);
    }

    @Override
    public void finished(RequestOutput output) {
        finished.put(output.requestId(), now);
    }

    /** Steps from the one that a request could have been in first to that of its first token, both included. */
    public long stepsToFirstToken(RequestHandle h) {
        return firstToken.get(h.requestId()) - queued.get(h.requestId());
    }

    /** Steps from that of the first token to that of the last, both included. */
    public long stepsOfTokens(RequestHandle h) {
        return finished.get(h.requestId()) - firstToken.get(h.requestId()) + 1;
    }

    /** The numbers of requests in the order in which they started. */
    public List<Long> started() {
        return started;
    }
}
