package io.jllm.engine;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.spi.ModelRunner;
import java.util.List;

/**
 * Sequences of one request that are scheduled, put back and resumed as one: a sampled sequence alone, or all beams of a search.
 * Touched by the engine's thread only.
 */
abstract sealed class Unit permits SampledUnit, BeamUnit {
    private final SequenceGroup group;
    private boolean running;

    Unit(SequenceGroup group) {
        this.group = group;
    }

    final SequenceGroup group() {
        return group;
    }

    /** Whether it is in the batch, not waiting. */
    final boolean running() {
        return running;
    }

    final void running(boolean now) {
        running = now;
    }

    /** Sequences that need slots while it runs, those included that may branch off. */
    abstract List<Sequence> seats();

    /** Sequences that steps compute now, the leader first; all of them at equal length. */
    abstract List<Sequence> active();

    /** How many tokens of an active sequence may be computed in the next step; more than 0 for the leader while it waits. */
    abstract int wanted(Sequence s);

    /** Fewest tokens that a step must have room for. */
    abstract int least();

    /** Whose next token the logits after an active sequence's last token tell. */
    abstract List<Sequence> rows(Sequence s);

    /**
     * Has sequences branch off that have nothing left to compute in common, after a forward pass and before its logits are used.
     *
     * @return units that run from now on beside this one
     */
    abstract List<? extends Unit> fork(ModelRunner runner);

    /** Gives all blocks back; what was computed is forgotten. */
    void rest() {
        seats().forEach(Sequence::releaseBlocks);
    }

    /** Whether nothing is to be computed any more. */
    abstract boolean finished();

    /** Ends what has not ended. */
    abstract void finish(FinishReason reason);

    /** Ends all because of an error. */
    abstract void fail();

    /** The results; only once it is finished. */
    abstract List<CompletionOutput> outputs();
}
