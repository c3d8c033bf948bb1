package io.jllm.engine.watch;

import io.jllm.EngineListener;
import io.jllm.RequestOutput;
import jdk.jfr.FlightRecorder;

/**
 * Hands on to a {@link JfrListener} as soon as the JVM's flight recorder was ever started, by whatever means: to make its events known takes a
 * tenth of a second, which loading a model and the first request are spared. Needs the module jdk.jfr: it is loaded only where that is present.
 */
final class FlightRecording implements EngineListener {
    private volatile JfrListener listener; // null until there is a recorder
    private boolean inStep;

    /** Whether a recorder was started. */
    private boolean on() {
        if (!FlightRecorder.isInitialized()) {
            return false;
        }
        if (listener == null) {
            start();
        }
        return true;
    }

    private synchronized void start() {
        if (listener == null) {
            listener = new JfrListener();
        }
    }

    /** Whether a recording wants events of steps now. */
    boolean recordsSteps() {
        return on() && listener.recordsSteps();
    }

    @Override
    public void queued(long requestId, int promptTokens) {
        if (on()) {
            listener.queued(requestId, promptTokens);
        }
    }

    @Override
    public void prefixCacheHit(long requestId, int tokens) {
        if (on()) {
            listener.prefixCacheHit(requestId, tokens);
        }
    }

    @Override
    public void preempted(long requestId) {
        if (on()) {
            listener.preempted(requestId);
        }
    }

    @Override
    public void finished(RequestOutput output) {
        if (on()) {
            listener.finished(output);
        }
    }

    @Override
    public void refused(RequestOutput output) {
        if (on()) {
            listener.refused(output);
        }
    }

    @Override
    public void stepStarted(long number) {
        inStep = on();
        if (inStep) {
            listener.stepStarted(number);
        }
    }

    @Override
    public void step(Step s) {
        if (inStep) { // a recorder that was started in between has not seen it begin
            listener.step(s);
        }
    }
}
