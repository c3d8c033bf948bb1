package io.jllm.engine.sequence;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.spi.ModelRunner;
import java.util.List;

/**
 * Sequences of one request that are scheduled, put back and resumed as one: a sampled sequence alone, or all beams of a search.
 * Touched by the engine's thread only.
 */
public abstract sealed class SchedulingUnit permits SampledUnit, BeamUnit, EmbeddingUnit {
    private static final long NOT_JOINED = -1;

    private final SequenceGroup group;
    private final int index;
    private long joined = NOT_JOINED;
    private boolean promoted;

    /** @param index its place among the units of its request */
    SchedulingUnit(SequenceGroup group, int index) {
        this.group = group;
        this.index = index;
    }

    public final SequenceGroup group() {
        return group;
    }

    public final int index() {
        return index;
    }

    /** Whether it is in the batch, not waiting. */
    public final boolean running() {
        return joined != NOT_JOINED;
    }

    /** It joins the batch, as the one of that number. */
    public final void join(long number) {
        joined = number;
    }

    /** It joins the batch as a branch of a unit that runs. */
    public final void join(SchedulingUnit from) {
        joined = from.joined;
        promoted = from.promoted;
    }

    /** It leaves the batch. */
    public final void leave() {
        joined = NOT_JOINED;
    }

    /** Units that joined the batch before it have lower numbers. */
    public final long joined() {
        return joined;
    }

    /** Whether it was kept waiting for so long that it goes before all that were not, whatever their priority. */
    public final boolean promoted() {
        return promoted;
    }

    public final void promote() {
        promoted = true;
    }

    /** How many tokens of it may be computed in the next step. */
    public final int behind() {
        int behind = 0;
        for (Sequence s : active()) {
            behind += wanted(s);
        }
        return behind;
    }

    /** Takes known blocks for what its leader computes next, but for the last token; returns how many tokens that saves. */
    public final int reuse() {
        Sequence leader = active().getFirst();
        return leader.reuse(leader.computed() + wanted(leader) - 1);
    }

    /** Makes known to the prefix cache what is computed of it. */
    public final void remember() {
        active().forEach(Sequence::remember);
    }

    /** Sequences that need slots while it runs, those included that may branch off. */
    public abstract List<Sequence> slotHolders();

    /** Sequences that steps compute now, the leader first; all of them at equal length. */
    public abstract List<Sequence> active();

    /** How many tokens of an active sequence may be computed in the next step; more than 0 for the leader while it waits. */
    public int wanted(Sequence s) {
        return s.behind();
    }

    /** Fewest tokens that a step must have room for. */
    public int least() {
        return 1;
    }

    /** Whether all that it has to compute is what it said last, and what it is known to say next. */
    public final boolean generates() {
        int newest = 0;
        for (Sequence s : active()) {
            newest += 1 + s.ahead();
        }
        return behind() <= newest;
    }

    /**
     * The first position, from one on, whose row is wanted for itself, once, and not to draw the next token from; the largest integer if there is
     * none.
     */
    int nextWantedRow(int from) {
        return Integer.MAX_VALUE;
    }

    /** How many of the tokens that may be generated it needs to end a text in which nothing can follow. */
    int reserved() {
        return 0;
    }

    /** Whose next token the logits after an active sequence's last token tell. */
    public abstract List<Sequence> rows(Sequence s);

    /**
     * Has sequences branch off that have nothing left to compute in common, after a forward pass and before its logits are used.
     *
     * @return units that run from now on beside this one
     */
    public abstract List<? extends SchedulingUnit> fork(ModelRunner runner);

    /** Gives all blocks back; what was computed is forgotten. */
    public void rest() {
        slotHolders().forEach(Sequence::releaseBlocks);
    }

    /** Whether nothing is to be computed any more. */
    public abstract boolean finished();

    /** Ends what has not ended. */
    abstract void finish(FinishReason reason);

    /** Ends all because of an error. */
    abstract void fail();

    /** The results; only once it is finished. */
    abstract List<CompletionOutput> outputs();
}
