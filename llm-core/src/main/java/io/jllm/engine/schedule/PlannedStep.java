package io.jllm.engine.schedule;

import io.jllm.engine.sequence.SchedulingUnit;
import io.jllm.spi.StepBatch;
import java.util.ArrayList;
import java.util.List;

/** Whose tokens a step computes, and what becomes of its rows of logits. It is as it was planned until two more steps are planned. */
public final class PlannedStep {
    private final List<SchedulingUnit> units = new ArrayList<>();
    private final StepRows rows;
    private int tokens;
    private int sequences;
    private int decodes;

    /** @param most rows of logits */
    PlannedStep(int most) {
        rows = new StepRows(most);
    }

    void clear() {
        units.clear();
        rows.clear();
        tokens = 0;
        sequences = 0;
        decodes = 0;
    }

    void add(SchedulingUnit u) {
        units.add(u);
    }

    /** Counts what the batch has of a sequence. */
    void count(StepBatch b, int newest) {
        tokens = b.tokens;
        sequences = b.sequences;
        decodes += newest;
    }

    /** The units in it. */
    public List<SchedulingUnit> units() {
        return units;
    }

    /** Its rows of logits. */
    public StepRows rows() {
        return rows;
    }

    public int tokens() {
        return tokens;
    }

    public int sequences() {
        return sequences;
    }

    /** How many of its tokens are the newest of sequences that had nothing else to compute. */
    public int decodes() {
        return decodes;
    }
}
