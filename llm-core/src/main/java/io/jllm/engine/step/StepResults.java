package io.jllm.engine.step;

import io.jllm.FinishReason;
import io.jllm.TokenLogprobs;
import io.jllm.engine.schedule.PlannedStep;
import io.jllm.engine.schedule.RotationRule;
import io.jllm.engine.schedule.Scheduler;
import io.jllm.engine.schedule.StepRows;
import io.jllm.engine.sequence.BeamUnit;
import io.jllm.engine.sequence.EmbeddingUnit;
import io.jllm.engine.sequence.Clock;
import io.jllm.engine.sequence.Failures;
import io.jllm.engine.sequence.SampledUnit;
import io.jllm.engine.sequence.SchedulingUnit;
import io.jllm.engine.sequence.SequenceGroup;
import io.jllm.engine.watch.EngineMonitor;
import io.jllm.spi.Drawing;
import io.jllm.spi.ModelRunner;
import java.util.Optional;

/** What becomes of a forward pass: sequences branch off, tokens are chosen and delivered, and requests end, each for itself. */
final class StepResults {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final ModelRunner runner;
    private final Scheduler scheduler;
    private final RotationRule rotation;
    private final StepSampler sampler;
    private final BeamSearch beams;
    private final StepMasks masks;
    private final EngineMonitor monitor;

    /**
     * @param maxRows most rows of logits in a step
     */
    StepResults(ModelRunner runner, int vocab, int maxRows, Scheduler scheduler, RotationRule rotation, EngineMonitor monitor) {
        this.runner = runner;
        this.scheduler = scheduler;
        this.rotation = rotation;
        this.monitor = monitor;
        masks = new StepMasks(vocab, maxRows);
        sampler = new StepSampler(runner, vocab, maxRows, masks);
        beams = new BeamSearch(runner, vocab, masks);
    }

    /** Does what need not wait for the forward pass that comes now; {@link #deliver} or {@link #failStep} must follow. */
    void prepare(PlannedStep step) {
        masks.begin(step.rows());
    }

    /** Begins to draw the tokens of the step whose forward pass was the last, if the device can draw all of them and nothing else is needed. */
    Optional<Drawing> draw(PlannedStep step) {
        return sampler.draw(step);
    }

    /**
     * Uses the logits of a step's forward pass, or what was drawn from them.
     *
     * @param drawing of its tokens, under way; empty if the step's forward pass was the last
     */
    void deliver(PlannedStep step, Optional<Drawing> drawing) {
        StepRows rows = step.rows();
        if (drawing.isPresent()) {
            sampler.finish(rows, drawing.get());
        } else {
            masks.finish();
            step.units().forEach(this::fork);
            sampler.sample(rows);
        }
        long now = Clock.nanos();
        for (int row = 0; row < rows.count();) {
            row += deliver(rows, row, now);
        }
        for (SchedulingUnit u : step.units()) {
            u.group().progressed(u.active().getFirst());
            endComputed(u);
        }
    }

    /** A failed forward pass fails the requests that were in it; the others have lost nothing. */
    void failStep(PlannedStep step, Throwable t) {
        masks.finish();
        step.units().forEach(u -> fail(u.group(), Failures.asRuntime(t)));
        LOG.log(System.Logger.Level.DEBUG, "a step failed", t);
    }

    private void fork(SchedulingUnit u) {
        try {
            scheduler.fork(u);
        } catch (Throwable t) {
            fail(u.group(), Failures.asRuntime(t)); // an application's processor is copied too
        }
    }

    /** Uses a row of logits, and those after it that belong with it; returns how many. */
    private int deliver(StepRows rows, int row, long now) {
        SchedulingUnit unit = rows.sequence(row).unit();
        int count = switch (unit) {
            case BeamUnit u -> u.active().size();
            case SampledUnit _, EmbeddingUnit _ -> 1;
        };
        if (!unit.group().done()) {
            try {
                switch (unit) {
                    case BeamUnit u -> advance(u, row, now);
                    case SampledUnit u -> deliver(u, rows, row, now);
                    case EmbeddingUnit u -> u.add(rows.position(row), runner.hidden(), row);
                }
            } catch (Throwable t) {
                fail(unit.group(), Failures.asRuntime(t)); // an application's processor or tokenizer may have thrown it
            }
        }
        return count;
    }

    private void advance(BeamUnit u, int row, long now) {
        generated(u, u.active().size(), now);
        beams.advance(u, row);
        if (u.finished()) {
            end(u.group(), FinishReason.LENGTH);
        }
    }

    private void deliver(SampledUnit u, StepRows rows, int row, long now) {
        TokenLogprobs token = sampler.token(row);
        int position = rows.position(row);
        if (u.finished()) {
            return; // a stop string ended it before all that was known ahead was said, or when this step was under way
        }
        if (sampler.error(row) != null) {
            fail(u.group(), sampler.error(row));
        } else if (!rows.scores(row)) {
            generated(u, 1, now);
            u.drawn(token, runner.gainsFromKnownTokens() ? rotation.longestAlike(u.sequence().length()) : 0);
            endSaid(u);
        } else if (position + 1 < u.sequence().promptLength()) {
            u.group().promptToken(token);
            u.sequence().scored(position);
        } else {
            generated(u, 1, now);
            u.known(token);
            endSaid(u);
        }
    }

    private void generated(SchedulingUnit u, int tokens, long now) {
        monitor.generated(tokens);
        u.group().generated(now);
    }

    /** Ends a request that has said all. */
    private void endSaid(SampledUnit u) {
        if (u.finished()) {
            scheduler.remove(u);
            if (u.group().units().stream().allMatch(SchedulingUnit::finished)) {
                end(u.group(), FinishReason.LENGTH);
            }
        }
    }

    /** Ends what only its prompt was computed of. */
    private void endComputed(SchedulingUnit u) {
        boolean ends = switch (u) {
            case SampledUnit s -> s.scoresOnly() && s.sequence().behind() == 0;
            case EmbeddingUnit e -> e.complete();
            case BeamUnit _ -> false;
        };
        if (ends) {
            end(u.group(), FinishReason.LENGTH);
        }
    }

    /** Ends a request with what there is, if it has not ended. */
    void end(SequenceGroup g, FinishReason reason) {
        if (leave(g)) {
            g.finish(reason);
        }
    }

    /** Ends a request because of an error, if it has not ended. */
    void fail(SequenceGroup g, RuntimeException error) {
        if (leave(g)) {
            g.fail(error);
        }
    }

    /** Takes a request out, if it is in. */
    private boolean leave(SequenceGroup g) {
        if (g.done()) {
            return false;
        }
        g.units().forEach(scheduler::remove);
        return true;
    }
}
