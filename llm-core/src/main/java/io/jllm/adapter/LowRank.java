package io.jllm.adapter;

import io.jllm.quant.Weights;

/**
 * What is added to a matrix: {@code scale * up down}.
 *
 * @param down a row for each of the rank, of as many columns as the matrix has; for a table as it has rows
 * @param up a row for each row of the matrix, for a table for each of its columns; as many columns as the rank
 * @param scale alpha by the rank, or by its root
 */
public record LowRank(Weights down, Weights up, float scale) {
    /** Checks that the two fit each other. */
    public LowRank {
        if (down.rows() != up.cols()) {
            throw new IllegalArgumentException(down.name() + " has " + down.rows() + " rows, but " + up.name() + " has " + up.cols() + " columns");
        }
    }

    /** The rank. */
    public int rank() {
        return Math.toIntExact(down.rows());
    }
}
