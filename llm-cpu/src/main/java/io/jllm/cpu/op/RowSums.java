package io.jllm.cpu.op;

import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;

/**
 * The highest logit of rows and the sum of their exponentials, piece by piece: the team shares pieces out, and what is computed from
 * them does not depend on who did. Memory grows to the most rows at once.
 */
public final class RowSums {
    /** Columns of a piece: a quarter of a first cache. */
    private static final int COLUMNS = 2048;

    private final int vocab;
    private final int pieces;
    private final RowKernels kernels;
    private float[] highest = {};
    private float[] sums = {};

    /** For rows of so many columns. */
    public RowSums(int vocab, RowKernels kernels) {
        this.vocab = vocab;
        this.kernels = kernels;
        pieces = Math.ceilDiv(vocab, COLUMNS);
    }

    /** Pieces of a row. */
    public int pieces() {
        return pieces;
    }

    /** Makes room for so many rows. */
    public void reserve(int rows) {
        if (highest.length < rows * pieces) {
            highest = new float[rows * pieces];
            sums = new float[rows * pieces];
        }
    }

    /**
     * Computes one piece.
     *
     * @param r which of the rows that there is room for
     * @param row where it is among {@code logits}
     */
    public void compute(Rows logits, int row, int r, int piece, Workspace ws) {
        int first = piece * COLUMNS;
        int n = Math.min(COLUMNS, vocab - first);
        kernels.sums(logits.data(), logits.row(row) + (long) first * Float.BYTES, n, highest, sums, r * pieces + piece, ws);
    }

    /** The highest logit of a row; NaN if any is. */
    public float highest(int r) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = r * pieces; i < (r + 1) * pieces; i++) {
            max = Math.max(max, highest[i]);
        }
        return max;
    }

    /** As {@link io.jllm.sampling.SamplerChain#logSumExp} of a row, to about six digits. */
    public double logSumExp(int r, float max) {
        if (Float.isNaN(max) || Float.isInfinite(max)) {
            return max;
        }
        double sum = 0;
        for (int i = r * pieces; i < (r + 1) * pieces; i++) {
            sum += sums[i] * StrictMath.exp((double) highest[i] - max);
        }
        return max + StrictMath.log(sum);
    }

    /** The first token of a row with a logit, which must be its highest and a number. */
    public int first(Rows logits, int row, int r, float max) {
        int piece = 0;
        while (highest[r * pieces + piece] != max) {
            piece++;
        }
        int id = piece * COLUMNS;
        while (logits.data().get(Rows.FLOAT, logits.row(row) + (long) id * Float.BYTES) != max) {
            id++;
        }
        return id;
    }

    /** Bytes it holds. */
    public long bytes() {
        return 2L * Float.BYTES * highest.length;
    }
}
