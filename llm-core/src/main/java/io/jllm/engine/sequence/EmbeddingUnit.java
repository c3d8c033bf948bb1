package io.jllm.engine.sequence;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.spi.ModelRunner;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A text of which hidden states are wanted, and no tokens. */
public final class EmbeddingUnit extends SchedulingUnit {
    private final Sequence sequence;
    private final Pool pool;
    private FinishReason reason;

    /** @param settings generate nothing */
    public EmbeddingUnit(SequenceGroup group, SequenceSettings settings, Pool pool) {
        super(group, 0);
        this.pool = pool;
        sequence = new Sequence(this, settings);
    }

    /** Adds the state of a position, a row of several. */
    public void add(int position, MemorySegment states, int row) {
        pool.add(states, row);
        sequence.scored(position);
    }

    /** Whether all of the text is computed. */
    public boolean complete() {
        return sequence.behind() == 0;
    }

    @Override
    public List<Sequence> slotHolders() {
        return List.of(sequence);
    }

    @Override
    public List<Sequence> active() {
        return List.of(sequence);
    }

    @Override
    int nextWantedRow(int from) {
        return pool.next(from, group().promptIds().length);
    }

    @Override
    public List<Sequence> rows(Sequence s) {
        return List.of();
    }

    @Override
    public List<EmbeddingUnit> fork(ModelRunner runner) {
        return List.of();
    }

    @Override
    public boolean finished() {
        return reason != null;
    }

    @Override
    void finish(FinishReason why) {
        reason = why;
    }

    @Override
    void fail() {
        reason = FinishReason.ERROR;
    }

    @Override
    List<CompletionOutput> outputs() {
        return List.of(Completion.empty(reason));
    }
}
