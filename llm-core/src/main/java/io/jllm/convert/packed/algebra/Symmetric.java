package io.jllm.convert.packed.algebra;

import java.io.IOException;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/** A symmetric matrix, of which the half below the diagonal is held: n * n * 4 bytes. */
public final class Symmetric {
    /** Columns of rows that are added at once: with a block of 128 rows they take 256 KiB, which a core's own cache holds. */
    private static final int TILE = 256;
    private static final int ROWS = 16;

    private final double[][] rows;

    /** Of zeros. */
    public Symmetric(int size) {
        rows = new double[size][];
        for (int i = 0; i < size; i++) {
            rows[i] = new double[i + 1];
        }
    }

    /** Rows, and columns. */
    public int size() {
        return rows.length;
    }

    /** An entry. */
    public double get(int i, int j) {
        return i >= j ? rows[i][j] : rows[j][i];
    }

    /** Puts an entry, and the one that equals it. */
    public void set(int i, int j, double value) {
        rows[Math.max(i, j)][Math.min(i, j)] = value;
    }

    /** The mean of the entries of the diagonal. */
    public double meanDiagonal() {
        double sum = 0;
        for (int i = 0; i < rows.length; i++) {
            sum += rows[i][i];
        }
        return sum / rows.length;
    }

    /**
     * Adds x times its transpose for each x.
     *
     * @param vectors as many as there are, each of this size
     * @param count how many of them count
     */
    public void addSquares(double[][] vectors, int count, Parallel parallel) throws IOException {
        int n = rows.length;
        parallel.each(Math.ceilDiv(n, ROWS), task -> {
            var factors = new double[count];
            int end = Math.min(n, (task + 1) * ROWS);
            for (int tile = 0; tile < end; tile += TILE) {
                for (int i = Math.max(tile, task * ROWS); i < end; i++) {
                    for (int k = 0; k < count; k++) {
                        factors[k] = vectors[k][i];
                    }
                    Combination.add(rows[i], tile, Math.min(i + 1, tile + TILE), factors, 0, count, vectors, 0);
                }
            }
        });
    }

    /** Multiplies all entries. */
    public void scale(double factor) {
        for (double[] row : rows) {
            for (int j = 0; j < row.length; j++) {
                row[j] *= factor;
            }
        }
    }

    /**
     * The sum of e times this times the transpose of e over some vectors e.
     *
     * @param vectors their numbers, one place of all vectors after the other
     */
    public double quadratic(double[][] vectors, Parallel parallel) throws IOException {
        int n = rows.length;
        int width = vectors[0].length;
        var sums = new double[n];
        parallel.each(Math.ceilDiv(n, ROWS), task -> {
            var products = new double[width];
            for (int i = task * ROWS; i < Math.min(n, (task + 1) * ROWS); i++) {
                Arrays.fill(products, 0);
                Combination.add(products, 0, width, rows[i], 0, i, vectors, 0);
                for (int v = 0; v < width; v++) {
                    sums[i] += vectors[i][v] * (2 * products[v] + rows[i][i] * vectors[i][v]);
                }
            }
        });
        return Arrays.stream(sums).sum();
    }

    /** The entries of some rows and the same columns. */
    public double[][] block(int from, int end) {
        var block = new double[end - from][end - from];
        for (int i = from; i < end; i++) {
            for (int j = from; j < end; j++) {
                block[i - from][j - from] = get(i, j);
            }
        }
        return block;
    }

    /** The half below the diagonal of this matrix with rows and columns taken from elsewhere, and something added to its diagonal. */
    double[][] lower(IntUnaryOperator from, double onDiagonal) {
        var out = new double[rows.length][];
        for (int i = 0; i < out.length; i++) {
            out[i] = new double[i + 1];
            int row = from.applyAsInt(i);
            for (int j = 0; j <= i; j++) {
                out[i][j] = get(row, from.applyAsInt(j));
            }
            out[i][i] += onDiagonal;
        }
        return out;
    }
}
