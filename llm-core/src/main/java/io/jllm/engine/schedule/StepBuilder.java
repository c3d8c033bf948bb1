package io.jllm.engine.schedule;

import io.jllm.engine.kv.BlockCopies;
import io.jllm.engine.sequence.EmbeddingUnit;
import io.jllm.engine.sequence.SchedulingUnit;
import io.jllm.engine.sequence.Sequence;
import io.jllm.spi.StepBatch;
import java.util.List;

/** Fills the batch of one step with the tokens of units, within what a step may hold. */
final class StepBuilder {
    private final SchedulerLimits limits;
    private final BlockCopies copies = new BlockCopies();
    private final int[] counts;
    private PlannedStep step;
    private PlannedStep before;
    private StepBatch batch;
    private int budget;
    private int scoredRows;

    StepBuilder(SchedulerLimits limits) {
        this.limits = limits;
        step = new PlannedStep(limits.maxLogitRows());
        before = new PlannedStep(limits.maxLogitRows());
        counts = new int[limits.maxSequences()];
    }

    /** Begins a step of at most so many tokens, with an empty batch; the one before it stays as it is. */
    PlannedStep begin(StepBatch b, int tokens) {
        PlannedStep oldest = before;
        before = step;
        step = oldest;
        step.clear();
        b.clear();
        batch = b;
        budget = tokens;
        scoredRows = limits.maxLogitRows() - limits.maxSequences();
        return step;
    }

    /** How many tokens the batch still has room for. */
    int budget() {
        return budget;
    }

    /** The units in the batch. */
    List<SchedulingUnit> scheduled() {
        return step.units();
    }

    /** What must be copied before the step computes. */
    BlockCopies copies() {
        return copies;
    }

    /** Decides how many tokens of each of a unit's sequences to compute, all in all at most so many; false if none. */
    boolean plan(SchedulingUnit u, int most) {
        if (most < u.least()) {
            return false;
        }
        int left = most;
        List<Sequence> active = u.active();
        for (int i = 0; i < active.size(); i++) {
            counts[i] = chunk(active.get(i), Math.min(u.wanted(active.get(i)), left));
            left -= counts[i];
        }
        return left < most;
    }

    /**
     * At most so many, by what is left of the rows for log-probabilities. A sequence that knows tokens ahead has the row for its next token as well,
     * unless that is drawn, so that it always gets on.
     */
    private int chunk(Sequence s, int most) {
        int left = scoredRows + (s.ahead() > 0 ? 1 : 0);
        for (int n = 0; n < most; n++) {
            if (s.wantsRow(s.computed() + n) && left-- == 0) {
                return n;
            }
        }
        return s.ahead() > 0 && left == 0 && most == s.behind() ? most - 1 : most;
    }

    /** Takes the blocks for what is planned; false if there are too few. */
    boolean reserve(SchedulingUnit u) {
        List<Sequence> active = u.active();
        for (int i = 0; i < active.size(); i++) {
            Sequence s = active.get(i);
            if (counts[i] > 0 && !s.blocks().reserve(s.computed(), s.computed() + counts[i], copies)) {
                return false;
            }
        }
        return true;
    }

    /** Puts what is planned into the batch; returns how many tokens. */
    int put(SchedulingUnit u) {
        int before = budget;
        List<Sequence> active = u.active();
        for (int i = 0; i < active.size(); i++) {
            if (counts[i] > 0) {
                put(active.get(i), counts[i]);
            }
        }
        step.add(u);
        u.group().scheduled();
        return before - budget;
    }

    private void put(Sequence s, int count) {
        StepBatch b = batch;
        int q = b.sequences++;
        b.queryStart[q] = b.tokens;
        int scored = 0;
        int last = s.length() + s.pending() - 1;
        for (int i = 0; i < count; i++) {
            int position = s.computed() + i;
            b.tokenIds[b.tokens] = s.tokens()[position];
            b.positions[b.tokens] = position;
            b.kvSlots[b.tokens] = s.blocks().slot(position);
            if (s.wantsRow(position)) {
                step.rows().add(b, s, position);
                b.hiddenRows += s.unit() instanceof EmbeddingUnit ? 1 : 0;
                scored++;
            } else if (position == last) {
                s.unit().rows(s).forEach(of -> step.rows().add(b, of, position));
            }
            b.tokens++;
        }
        scoredRows -= scored > 0 && s.ahead() > 0 && count < s.behind() ? scored - 1 : scored;
        int newest = s.generated() + s.pending() > 0 && s.behind() <= 1 + s.ahead() ? count : 0;
        s.advance(count);
        b.queryStart[q + 1] = b.tokens;
        b.contextLength[q] = s.computed();
        b.sequenceSlot[q] = s.slot();
        b.ropeLength[q] = s.ropeLength();
        b.adapter[q] = s.group().adapter().number();
        s.blocks().copyTo(b.blockTable, q * b.maxBlocks);
        step.count(b, newest);
        budget -= count;
    }
}
