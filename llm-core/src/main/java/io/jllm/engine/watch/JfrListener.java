package io.jllm.engine.watch;

import io.jllm.EngineListener;
import io.jllm.RequestOutput;
import io.jllm.engine.watch.JfrEvents.PreemptionEvent;
import io.jllm.engine.watch.JfrEvents.PrefixCacheHitEvent;
import io.jllm.engine.watch.JfrEvents.RequestEvent;
import io.jllm.engine.watch.JfrEvents.StepEvent;
import java.util.HashMap;
import java.util.Map;

/** Writes what an engine does into the JVM's flight recordings; nothing while none is made. For {@link FlightRecording}. */
final class JfrListener implements EngineListener {
    private final RequestEvent ofRequests = new RequestEvent();
    private final StepEvent ofSteps = new StepEvent();
    private final Map<Long, RequestEvent> open = new HashMap<>();
    private StepEvent step = ofSteps;

    /** Whether a recording wants events of steps now. */
    boolean recordsSteps() {
        return ofSteps.isEnabled();
    }

    @Override
    public void queued(long requestId, int promptTokens) {
        if (ofRequests.isEnabled()) {
            var event = new RequestEvent();
            event.begin();
            open.put(requestId, event);
        }
    }

    @Override
    public void prefixCacheHit(long requestId, int tokens) {
        var event = new PrefixCacheHitEvent();
        if (event.shouldCommit()) {
            event.requestId = requestId;
            event.tokens = tokens;
            event.commit();
        }
    }

    @Override
    public void preempted(long requestId) {
        var event = new PreemptionEvent();
        if (event.shouldCommit()) {
            event.requestId = requestId;
            event.commit();
        }
    }

    @Override
    public void finished(RequestOutput output) {
        // One that came before the recording began has no event; it gets one of its end.
        RequestEvent begun = open.remove(output.requestId());
        commit(begun == null ? new RequestEvent() : begun, output);
    }

    @Override
    public void refused(RequestOutput output) {
        commit(new RequestEvent(), output);
    }

    private static void commit(RequestEvent event, RequestOutput output) {
        event.end();
        if (event.shouldCommit()) {
            RequestOutput.Metrics m = output.metrics();
            event.requestId = output.requestId();
            event.queued = m.queued().toNanos();
            event.timeToFirstToken = m.timeToFirstToken().toNanos();
            event.interTokenMedian = m.interToken().map(p -> p.p50().toNanos()).orElse(0L);
            event.interTokenMax = m.interToken().map(p -> p.max().toNanos()).orElse(0L);
            event.total = m.total().toNanos();
            event.promptTokens = m.promptTokens();
            event.cachedTokens = m.cachedTokens();
            event.generatedTokens = m.generatedTokens();
            event.outputs = output.outputs().size();
            event.preemptions = m.preemptions();
            event.finishReason = output.finishReason().name();
            event.error = output.error().map(RuntimeException::toString).orElse("");
            event.commit();
        }
    }

    @Override
    public void stepStarted(long number) {
        step = new StepEvent();
        step.begin();
    }

    @Override
    public void step(Step s) {
        step.end();
        if (step.shouldCommit()) {
            step.step = s.number();
            step.sequences = s.sequences();
            step.tokens = s.tokens();
            step.prefillTokens = s.prefillTokens();
            step.decodeTokens = s.decodeTokens();
            step.running = s.running();
            step.waiting = s.waiting();
            step.kvBlocks = s.kvBlocks();
            step.usedKvBlocks = s.usedKvBlocks();
            step.kvBytes = s.kvBytes();
            step.schedule = s.schedule().toNanos();
            step.forward = s.forward().toNanos();
            step.deliver = s.deliver().toNanos();
            step.commit();
        }
    }
}
