package io.jllm.cuda.kernels;

/** Where a step's numbers are on the device: arrays of ints at addresses that stay. */
public interface StepArrays {
    /** The arrays, in order; the last one's length varies. */
    enum Field {
        /** Token ids, their positions, and their places in the KV cache (block times block size plus row, or -1), one a token. */
        TOKEN_IDS, POSITIONS, KV_SLOTS,
        /** The sequence of a token, and the length by which its rotation is chosen, one a token. */
        TOKEN_SEQUENCE, ROPE_LENGTH,
        /** The row of a token, one a row of logits. */
        LOGIT_ROW,
        /** Positions that count, and where the blocks of a sequence begin in {@link #TABLE}, one a sequence. */
        CONTEXT, TABLE_AT,
        /** Rows and sequences of those with one token; the size of a piece, then where the pieces of each begin. */
        SINGLE_ROW, SINGLE_SEQUENCE, PIECES,
        /** First rows, numbers of rows and sequences of tiles of the others' tokens. */
        TILE_ROW, TILE_ROWS, TILE_SEQUENCE,
        /** The blocks of all sequences. */
        TABLE
    }

    /** Where an array is. */
    long address(Field field);
}
