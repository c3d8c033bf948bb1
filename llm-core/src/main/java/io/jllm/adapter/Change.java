package io.jllm.adapter;

import io.jllm.quant.Weights;
import java.util.Optional;

/**
 * How a matrix changes. Of an input x the product becomes
 * {@code gain * (W' x + scale * up (down x)) + shift}, with the model's own bias and residual added to that, where W' is {@link #whole} or the
 * model's matrix, maybe with other {@link #rows}. For an embedding table x is a token: {@code W' x} is its row, {@code down x} a column of
 * {@code down}. Rows are those of the program's matrix, in its order. Immutable; the arrays must not be changed.
 *
 * @param whole takes the place of the matrix
 * @param rows take the place of some of its rows; not beside {@code whole}, {@code lowRank} or {@code gain}
 * @param lowRank what is added
 * @param gain a factor for each output, as DoRA has it; empty for none
 * @param shift a summand for each output; empty for none, as for all tables
 */
public record Change(Optional<Weights> whole, Optional<ReplacedRows> rows, Optional<LowRank> lowRank, float[] gain, float[] shift) {
    private static final float[] NONE = {};

    /** Checks that what excludes each other is not there together. */
    public Change {
        if (rows.isPresent() && (whole.isPresent() || lowRank.isPresent() || gain.length > 0)) {
            throw new IllegalArgumentException("single rows of a matrix change beside the whole of it");
        }
    }

    /** Another matrix. */
    public static Change of(Weights whole) {
        return new Change(Optional.of(whole), Optional.empty(), Optional.empty(), NONE, NONE);
    }

    /** Other rows. */
    public static Change of(ReplacedRows rows) {
        return new Change(Optional.empty(), Optional.of(rows), Optional.empty(), NONE, NONE);
    }

    /** A product of low rank. */
    public static Change of(LowRank lowRank) {
        return new Change(Optional.empty(), Optional.empty(), Optional.of(lowRank), NONE, NONE);
    }

    /** The same in place of another matrix. */
    public Change with(Weights matrix) {
        return new Change(Optional.of(matrix), rows, lowRank, gain, shift);
    }

    /** The same with a factor for each output. */
    public Change withGain(float[] factors) {
        return new Change(whole, rows, lowRank, factors, shift);
    }

    /** The same with a summand for each output. */
    public Change withShift(float[] summands) {
        return new Change(whole, rows, lowRank, gain, summands);
    }

    /** Nothing but a summand for each output. */
    public static Change ofShift(float[] summands) {
        return new Change(Optional.empty(), Optional.empty(), Optional.empty(), NONE, summands);
    }
}
