package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.quant.Weights;

/**
 * Products of weights of one format that are rearranged when a model is loaded: of block-quantised ones by activations of 8 bits, of floats
 * by floats. Thread-safe: each thread brings its own {@link Workspace}.
 *
 * <p><b>The order of summation</b>: for a row and a token, block-quantised weights are taken in blocks of 32 columns, in order. Within
 * one, sums of products of integers are exact; what becomes of them is said at {@link io.jllm.cpu.layout.BlockModel}, which computes the same to the
 * last bit. Floats are taken one after the other, each multiplied and added with one rounding. It depends on neither neighbours, threads, the
 * instruction set nor the width of vectors, so results do not either.
 */
public interface PackedProducts {
    /** The tier, as a user would name it. */
    String name();

    /** What the weights are multiplied by. */
    TokenFormat tokens();

    /**
     * Fills in groups {@code from} (inclusive) to {@code to} (exclusive) of a matrix from what is stored. Threads may share the work.
     *
     * @param first the stored row that is the matrix's first
     */
    void pack(PackedMatrix matrix, Weights stored, long first, int from, int to);

    /** The same of a matrix that has all stored rows. */
    default void pack(PackedMatrix matrix, Weights stored, int from, int to) {
        pack(matrix, stored, 0, from, to);
    }

    /** Rewrites a row as products take it: as token {@code t} of {@code count} in the group that starts with token {@code first}. */
    void arrange(Rows x, int row, BlockRows to, int first, int t, int count, Workspace ws);

    /** Rewrites the group that starts with row {@code token}, of so many rows in all. */
    default void arrange(Rows x, int token, int tokens, BlockRows to, Workspace ws) {
        int count = BlockRows.size(token, tokens);
        for (int t = 0; t < count; t++) {
            arrange(x, token + t, to, token, t, count, ws);
        }
    }

    /**
     * out[outRow + t][r] = (W x[first + t])[r] + bias[r] (+ residual[outRow + t][r]), for rows {@code from} (inclusive; a multiple of 16) to
     * {@code to} (exclusive; one too, or the last) and so many tokens.
     *
     * @param x of the format that {@link #tokens} says, with groups from token {@code first} on
     */
    void linear(PackedMatrix w, int from, int to, BlockRows x, int first, int tokens, Target out, int outRow, Workspace ws);

    /** The same for the first tokens. */
    default void linear(PackedMatrix w, int from, int to, BlockRows x, int tokens, Target out, Workspace ws) {
        linear(w, from, to, x, 0, tokens, out, 0, ws);
    }
}
