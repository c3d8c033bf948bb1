package io.jllm.convert.packed.algebra;

import java.io.IOException;
import java.util.Optional;

/**
 * The upper triangular U for which U'U is the inverse of a symmetric positive definite matrix H, as GPTQ wants it (the Cholesky factor of the
 * inverse). With the order of rows and columns reversed, H = LL'; then the inverse of L, reversed again, is U: one factorisation and one
 * inversion of a triangle, where the text-book way factors, inverts and factors again.
 */
public final class InverseFactor {
    private static final int BLOCK = 64;
    private static final int TILE = 512;
    private static final int ROWS = 16;

    private InverseFactor() {
    }

    /**
     * Computes it.
     *
     * @param order row and column {@code i} of the result are {@code order[i]} of the matrix
     * @param damping added to each entry of the diagonal
     * @return U by rows, each of full length, zeros below the diagonal; empty if the matrix is not positive definite
     */
    public static Optional<double[][]> of(Symmetric matrix, int[] order, double damping, Parallel parallel) throws IOException {
        int n = matrix.size();
        double[][] a = matrix.lower(i -> order[n - 1 - i], damping);
        return factor(a, parallel) ? Optional.of(reversedInverse(a, parallel)) : Optional.empty();
    }

    /** L in place of the matrix, panel by panel; what is right of a panel is brought up to date at once. */
    private static boolean factor(double[][] a, Parallel parallel) throws IOException {
        int n = a.length;
        for (int from = 0; from < n; from += BLOCK) {
            int start = from;
            int end = Math.min(n, from + BLOCK);
            if (!diagonal(a, start, end)) {
                return false;
            }
            int rest = n - end;
            int tasks = Math.ceilDiv(rest, ROWS);
            parallel.each(tasks, task -> {
                for (int i = end + task * ROWS; i < Math.min(n, end + (task + 1) * ROWS); i++) {
                    solve(a, i, start, end);
                }
            });
            var panel = new double[end - start][n];
            parallel.each(tasks, task -> {
                for (int i = end + task * ROWS; i < Math.min(n, end + (task + 1) * ROWS); i++) {
                    for (int k = start; k < end; k++) {
                        panel[k - start][i] = a[i][k];
                    }
                }
            });
            parallel.each(tasks, task -> update(a, start, end, end + task * ROWS, panel));
        }
        return true;
    }

    private static boolean diagonal(double[][] a, int start, int end) {
        for (int i = start; i < end; i++) {
            solve(a, i, start, i);
            double square = a[i][i];
            for (int k = start; k < i; k++) {
                square -= a[i][k] * a[i][k];
            }
            if (!(square > 0) || !Double.isFinite(square)) {
                return false;
            }
            a[i][i] = Math.sqrt(square);
        }
        return true;
    }

    /** Columns {@code start} to {@code end} of a row of L, whose rows up to {@code end} are done. */
    private static void solve(double[][] a, int i, int start, int end) {
        double[] row = a[i];
        for (int j = start; j < end; j++) {
            double sum = row[j];
            for (int k = start; k < j; k++) {
                sum -= row[k] * a[j][k];
            }
            row[j] = sum / a[j][j];
        }
    }

    private static void update(double[][] a, int start, int end, int first, double[][] panel) {
        int last = Math.min(a.length, first + ROWS);
        var factors = new double[end - start];
        for (int tile = end; tile < last; tile += TILE) {
            for (int i = Math.max(first, tile); i < last; i++) {
                for (int k = start; k < end; k++) {
                    factors[k - start] = -a[i][k];
                }
                Combination.add(a[i], tile, Math.min(i + 1, tile + TILE), factors, 0, factors.length, panel, 0);
            }
        }
    }

    /** Columns of the inverse do not depend on each other: some at a time. */
    private static double[][] reversedInverse(double[][] lower, Parallel parallel) throws IOException {
        int n = lower.length;
        var out = new double[n][n];
        parallel.each(Math.ceilDiv(n, BLOCK), task -> {
            int from = task * BLOCK;
            int width = Math.min(BLOCK, n - from);
            var columns = new double[n - from][width];
            for (int i = from; i < n; i++) {
                double[] row = columns[i - from];
                Combination.add(row, 0, width, lower[i], from, i - from, columns, 0);
                double factor = 1 / lower[i][i];
                for (int j = 0; j < width; j++) {
                    row[j] = ((i == from + j ? 1 : 0) - row[j]) * factor;
                    out[n - 1 - i][n - 1 - from - j] = row[j];
                }
            }
        });
        return out;
    }
}
