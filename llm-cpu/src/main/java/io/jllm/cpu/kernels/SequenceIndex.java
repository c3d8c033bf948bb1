package io.jllm.cpu.kernels;

import io.jllm.spi.StepBatch;

/** The tokens of a step in tiles: some that follow each other in one sequence. */
public final class SequenceIndex {
    /** Most tokens of a tile. */
    public static final int TILE = 8;

    private final int[] start;
    private final int[] sequence;
    private int tiles;

    public SequenceIndex(int maxTokens) {
        start = new int[maxTokens + 1];
        sequence = new int[maxTokens];
    }

    /** Makes tiles of a batch. */
    public void refill(StepBatch b) {
        tiles = 0;
        for (int s = 0; s < b.sequences; s++) {
            for (int t = b.queryStart[s]; t < b.queryStart[s + 1]; t += TILE) {
                start[tiles] = t;
                sequence[tiles++] = s;
            }
        }
        start[tiles] = b.tokens;
    }

    public int tiles() {
        return tiles;
    }

    /** The first token of a tile; behind the last one, the number of tokens. */
    public int start(int tile) {
        return start[tile];
    }

    /** Tokens of a tile. */
    public int size(int tile) {
        return start[tile + 1] - start[tile];
    }

    /** The sequence of its tokens. */
    public int sequence(int tile) {
        return sequence[tile];
    }
}
