package io.jllm.cuda;

import io.jllm.model.Value;

/**
 * How much a step launches. In a graph these are the sizes of its bucket, else those of the batch.
 *
 * @param tokens rows of tokens
 * @param logitRows rows of logits
 * @param singles sequences with one token
 * @param tiles tiles of the other sequences' tokens
 */
record StepSize(int tokens, int logitRows, int singles, int tiles) {
    /** A step of so many sequences with one token each, all of which want logits. */
    static StepSize decode(int sequences) {
        return new StepSize(sequences, sequences, sequences, 0);
    }

    /** Rows of a kind. */
    int rows(Value.Rows kind) {
        return kind == Value.Rows.TOKENS ? tokens : logitRows;
    }
}
