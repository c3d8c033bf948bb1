package io.jllm.engine.step;

import io.jllm.engine.schedule.PlannedStep;
import io.jllm.engine.schedule.Scheduler;
import io.jllm.engine.sequence.Clock;
import io.jllm.engine.watch.EngineMonitor;
import io.jllm.spi.Drawing;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import java.util.Optional;

/**
 * Steps on their way through the runner. As a rule one is planned, computed and delivered before the next. Where the device can draw all tokens of
 * a step by itself, and nobody looks at its logits, the next step is planned and given to the device before these tokens are read: that a
 * sequence advances by one is known, and what it says the device knows. So the device goes on while the host turns tokens into text.
 *
 * <p>A sequence that turns out to have ended, or is cancelled, then has a row in a step that is under way. The row is computed and dropped; the
 * sequence's blocks and slot may be given to others at once, for the runner does things in order.
 */
final class StepPipeline {
    private final ModelRunner runner;
    private final Scheduler scheduler;
    private final StepBatch batch;
    private final StepResults results;
    private final EngineMonitor monitor;
    private Optional<Flight> ahead = Optional.empty();

    /**
     * A step that the runner was given.
     *
     * @param drawing of all of its tokens; empty if they are drawn when it is delivered
     * @param failure of the forward pass
     * @param schedule nanoseconds to plan it
     * @param forward nanoseconds to give it to the runner, and to wait for it where the runner does
     */
    private record Flight(PlannedStep step, Optional<Drawing> drawing, Optional<Throwable> failure, long schedule, long forward) {
        long nanos() {
            return schedule + forward;
        }
    }

    StepPipeline(ModelRunner runner, Scheduler scheduler, StepBatch batch, StepResults results, EngineMonitor monitor) {
        this.runner = runner;
        this.scheduler = scheduler;
        this.batch = batch;
        this.results = results;
        this.monitor = monitor;
    }

    /** Takes a step to its end, and gives the next one to the device before that if it can; false if there is nothing to compute. */
    boolean step() {
        Optional<Flight> now = ahead;
        ahead = Optional.empty();
        if (now.isPresent()) {
            monitor.stepStarted();
        } else {
            now = launch(true);
        }
        if (now.isEmpty()) {
            monitor.idle();
            return false;
        }
        if (now.get().drawing.isPresent() && scheduler.mayPlanAhead()) {
            ahead = launch(false);
        }
        complete(now.get());
        return true;
    }

    /**
     * Plans a step and gives it to the runner.
     *
     * @param alone whether none is under way
     */
    private Optional<Flight> launch(boolean alone) {
        long began = Clock.nanos();
        PlannedStep step = scheduler.schedule(batch);
        if (step.tokens() == 0) {
            return Optional.empty();
        }
        if (alone) {
            monitor.stepStarted();
        }
        long planned = Clock.nanos();
        Optional<Drawing> drawing = Optional.empty();
        Optional<Throwable> failure = Optional.empty();
        try {
            results.prepare(step);
            scheduler.copies().forEach(runner::copyBlocks);
            runner.forward(batch);
            drawing = results.draw(step);
        } catch (Throwable t) {
            failure = Optional.of(t);
        }
        if (drawing.isPresent()) {
            scheduler.remember(step); // the next step may be planned before this one is complete
        }
        return Optional.of(new Flight(step, drawing, failure, planned - began, Clock.nanos() - planned));
    }

    private void complete(Flight f) {
        long began = Clock.nanos();
        if (f.failure.isPresent()) {
            results.failStep(f.step, f.failure.get());
            monitor.stepFailed(f.nanos() + Clock.nanos() - began);
            return;
        }
        scheduler.remember(f.step);
        monitor.computed(f.step);
        results.deliver(f.step, f.drawing);
        monitor.stepEnded(f.step, f.schedule, f.forward, began);
    }
}
