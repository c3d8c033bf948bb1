package io.jllm.adapter.file;

import io.jllm.adapter.LowRank;
import io.jllm.quant.Weights;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/**
 * The factors of DoRA: each output's magnitude, as it was trained, by the length of its row of the changed matrix. Source: Liu and others,
 * DoRA, 2024.
 */
final class Magnitudes {
    /** How floats lie in tensors. */
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Magnitudes() {
    }

    /** All values of weights, row after row. */
    static float[] values(Weights w) {
        var all = new float[Math.toIntExact(Math.multiplyExact(w.rows(), w.cols()))];
        w.decode(0, Math.toIntExact(w.rows()), all, 0);
        return all;
    }

    /**
     * Those of a matrix.
     *
     * @param w the matrix that is changed
     * @param magnitudes one for each row
     */
    static float[] ofRows(Weights w, LowRank change, float[] magnitudes) {
        float[] down = values(change.down());
        float[] up = values(change.up());
        int cols = Math.toIntExact(w.cols());
        var gain = new float[magnitudes.length];
        IntStream.range(0, gain.length).parallel().forEach(r -> {
            var row = new float[cols];
            w.decode(r, 1, row, 0);
            add(change, down, up, r, row);
            gain[r] = (float) (magnitudes[r] / Math.sqrt(squares(row)));
        });
        return gain;
    }

    /** Adds the change of a row of a matrix to it. */
    static void add(LowRank change, float[] down, float[] up, int row, float[] to) {
        int rank = change.rank();
        for (int k = 0; k < rank; k++) {
            float factor = change.scale() * up[row * rank + k];
            for (int c = 0; c < to.length; c++) {
                to[c] += factor * down[k * to.length + c];
            }
        }
    }

    private static double squares(float[] row) {
        double sum = 0;
        for (float x : row) {
            sum += (double) x * x;
        }
        return sum;
    }

    /**
     * Those of an embedding table: there a column is an output.
     *
     * @param magnitudes one for each column
     */
    static float[] ofColumns(Weights table, LowRank change, float[] magnitudes) {
        float[] down = values(change.down());
        float[] up = values(change.up());
        var sums = new double[magnitudes.length];
        var row = new float[magnitudes.length];
        int tokens = Math.toIntExact(table.rows());
        for (int t = 0; t < tokens; t++) {
            table.decode(t, 1, row, 0);
            addToken(change, down, up, t, tokens, row);
            for (int c = 0; c < row.length; c++) {
                sums[c] += (double) row[c] * row[c];
            }
        }
        var gain = new float[magnitudes.length];
        for (int c = 0; c < gain.length; c++) {
            gain[c] = (float) (magnitudes[c] / Math.sqrt(sums[c]));
        }
        return gain;
    }

    /** Adds the change of a token's row of a table to it. */
    static void addToken(LowRank change, float[] down, float[] up, int token, int tokens, float[] to) {
        int rank = change.rank();
        for (int k = 0; k < rank; k++) {
            float factor = change.scale() * down[k * tokens + token];
            for (int c = 0; c < to.length; c++) {
                to[c] += factor * up[c * rank + k];
            }
        }
    }
}
