package io.jllm.cpu;

import io.jllm.spi.StepBatch;
import java.util.Arrays;

/** Which sequence each token of a step belongs to. */
final class SequenceIndex {
    private final int[] sequence;

    SequenceIndex(int maxTokens) {
        sequence = new int[maxTokens];
    }

    /** Looks it up for a batch. */
    void refill(StepBatch b) {
        for (int s = 0; s < b.sequences; s++) {
            Arrays.fill(sequence, b.queryStart[s], b.queryStart[s + 1], s);
        }
    }

    int of(int token) {
        return sequence[token];
    }
}
