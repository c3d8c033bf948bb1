package io.jllm.engine;

import io.jllm.EngineListener;
import io.jllm.RequestOutput;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps what a listener hears: a line for each event of a request, and the steps. */
public final class Recorder implements EngineListener {
    public final List<String> events = new CopyOnWriteArrayList<>();
    public final List<Step> steps = new CopyOnWriteArrayList<>();
    public final List<RequestOutput> outputs = new CopyOnWriteArrayList<>();
    public final List<Thread> threads = new CopyOnWriteArrayList<>();

    /** The events of a request, in order. */
    public List<String> of(long requestId) {
        var found = new ArrayList<String>();
        for (String e : events) {
            if (e.startsWith(requestId + " ")) {
                found.add(e.substring(e.indexOf(' ') + 1));
            }
        }
        return found;
    }

    private void add(long requestId, String event) {
        events.add(requestId + " " + event);
        threads.add(Thread.currentThread());
    }

    @Override
    public void queued(long requestId, int promptTokens) {
        add(requestId, "queued " + promptTokens);
    }

    @Override
    public void started(long requestId, int cachedTokens) {
        add(requestId, "started " + cachedTokens);
    }

    @Override
    public void prefixCacheHit(long requestId, int tokens) {
        add(requestId, "hit " + tokens);
    }

    @Override
    public void firstToken(long requestId) {
        add(requestId, "first token");
    }

    @Override
    public void preempted(long requestId) {
        add(requestId, "preempted");
    }

    @Override
    public void finished(RequestOutput output) {
        add(output.requestId(), "finished " + output.finishReason());
        outputs.add(output);
    }

    @Override
    public void refused(RequestOutput output) {
        events.add(output.requestId() + " refused");
        outputs.add(output);
    }

    @Override
    public void stepStarted(long number) {
        events.add("step " + number);
        threads.add(Thread.currentThread());
    }

    @Override
    public void step(Step step) {
        steps.add(step);
        threads.add(Thread.currentThread());
    }
}
