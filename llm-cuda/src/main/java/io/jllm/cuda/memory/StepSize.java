package io.jllm.cuda.memory;

import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.util.stream.IntStream;

/**
 * How much a step launches. In a graph these are the sizes of its bucket, else those of the batch.
 *
 * @param tokens rows of tokens
 * @param logitRows rows of logits
 * @param singles sequences with one token
 * @param tiles tiles of the other sequences' tokens
 */
public record StepSize(int tokens, int logitRows, int singles, int tiles) {
    /** A step of so many sequences with one token each, all of which want logits. */
    public static StepSize decode(int sequences) {
        return new StepSize(sequences, sequences, sequences, 0);
    }

    /** Whether every sequence of a batch that it is of has one token and wants its logits, in order. */
    public boolean isDecode(StepBatch b) {
        return singles == b.tokens && b.logitRows == b.tokens && b.tokens > 0 && IntStream.range(0, b.logitRows).allMatch(r -> b.logitRow[r] == r);
    }

    /** Rows of a kind. */
    public int rows(Value.Rows kind) {
        return kind == Value.Rows.TOKENS ? tokens : logitRows;
    }
}
