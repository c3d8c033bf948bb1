package io.jllm.engine.schedule;

import io.jllm.engine.sequence.Sequence;
import io.jllm.spi.StepBatch;
import java.util.ArrayList;
import java.util.List;

/** Whose next tokens the rows of logits of a step tell. */
public final class StepRows {
    private final List<Sequence> sequences = new ArrayList<>();
    private final int[] positions;

    StepRows(int most) {
        positions = new int[most];
    }

    void clear() {
        sequences.clear();
    }

    /** Adds a row for the batch's newest token. */
    void add(StepBatch b, Sequence s, int position) {
        sequences.add(s);
        positions[b.logitRows] = position;
        b.logitRow[b.logitRows++] = b.tokens;
    }

    public int count() {
        return sequences.size();
    }

    /** Whose next token a row tells. */
    public Sequence sequence(int row) {
        return sequences.get(row);
    }

    /** Position of the token after which the row's logits come. */
    public int position(int row) {
        return positions[row];
    }

    /** Whether the row tells the log-probability of a token that is known, of the prompt or ahead, and is not there to draw from. */
    public boolean scores(int row) {
        return positions[row] < sequences.get(row).length() - 1;
    }
}
