package io.jllm.engine;

import io.jllm.FinishReason;
import io.jllm.TokenLogprobs;
import io.jllm.spi.ModelRunner;

/** What becomes of a forward pass: sequences branch off, tokens are chosen and delivered, and requests end, each for itself. */
final class StepResults {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final Scheduler scheduler;
    private final StepSampler sampler;
    private final BeamSearch beams;
    private final Runnable ended;
    private long finished;

    /**
     * @param maxRows most rows of logits in a step
     * @param ended called when a request has left the scheduler, before it gets its result
     */
    StepResults(ModelRunner runner, int vocab, int maxRows, Scheduler scheduler, Runnable ended) {
        this.scheduler = scheduler;
        this.ended = ended;
        sampler = new StepSampler(runner, vocab, maxRows);
        beams = new BeamSearch(runner, vocab);
    }

    /** Requests that have ended. */
    long finished() {
        return finished;
    }

    /** Tokens drawn so far. */
    long generated() {
        return sampler.generated();
    }

    /** Uses the logits of the last forward pass. */
    void deliver() {
        scheduler.scheduled().forEach(this::fork);
        sampler.sample(scheduler.rows());
        for (int row = 0; row < scheduler.rows().count();) {
            row += deliver(row);
        }
        scheduler.scheduled().forEach(this::endScored);
    }

    /** A failed forward pass fails the requests that were in it; the others have lost nothing. */
    void failStep(Throwable t) {
        LOG.log(System.Logger.Level.DEBUG, "a step failed", t);
        scheduler.scheduled().forEach(u -> fail(u.group(), StepSampler.asRuntime(t)));
    }

    private void fork(Unit u) {
        try {
            scheduler.fork(u);
        } catch (Throwable t) {
            fail(u.group(), StepSampler.asRuntime(t)); // an application's processor is copied too
        }
    }

    /** Uses a row of logits, and those after it that belong with it; returns how many. */
    private int deliver(int row) {
        Sequence s = scheduler.rows().sequence(row);
        switch (s.unit()) {
            case BeamUnit u -> {
                int rows = u.active().size();
                if (!u.group().done()) {
                    advance(u, row);
                }
                return rows;
            }
            case SampledUnit u -> {
                if (!u.group().done()) {
                    deliver(u, row);
                }
                return 1;
            }
        }
    }

    private void advance(BeamUnit u, int row) {
        u.group().generated();
        try {
            beams.advance(u, row);
        } catch (Throwable t) {
            fail(u.group(), StepSampler.asRuntime(t)); // an application's processor may have thrown it
            return;
        }
        if (u.finished()) {
            end(u.group(), FinishReason.LENGTH);
        }
    }

    private void deliver(SampledUnit u, int row) {
        if (sampler.error(row) != null) {
            fail(u.group(), sampler.error(row));
        } else if (scheduler.rows().scoresPrompt(row)) {
            u.group().promptToken(sampler.token(row));
            u.sequence().scored(scheduler.rows().position(row));
        } else {
            add(u, sampler.token(row));
        }
    }

    private void add(SampledUnit u, TokenLogprobs token) {
        u.group().generated();
        u.token(token);
        if (u.finished()) {
            scheduler.remove(u);
            if (u.group().units().stream().allMatch(Unit::finished)) {
                end(u.group(), FinishReason.LENGTH);
            }
        }
    }

    private void endScored(Unit u) {
        if (u instanceof SampledUnit s && s.scoresOnly() && s.sequence().behind() == 0) {
            end(u.group(), FinishReason.LENGTH);
        }
    }

    /** Ends a request with what there is, if it has not ended. */
    void end(SequenceGroup g, FinishReason reason) {
        if (leave(g)) {
            g.finish(reason);
        }
    }

    private void fail(SequenceGroup g, RuntimeException error) {
        if (leave(g)) {
            g.fail(error);
        }
    }

    /** Takes a request out, if it is in; who has a result must find it in the metrics. */
    private boolean leave(SequenceGroup g) {
        if (g.done()) {
            return false;
        }
        g.units().forEach(scheduler::remove);
        finished++;
        ended.run();
        return true;
    }
}
