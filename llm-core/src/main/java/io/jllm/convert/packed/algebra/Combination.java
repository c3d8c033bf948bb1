package io.jllm.convert.packed.algebra;

/**
 * Adds multiples of rows to a row. Eight rows at a time, so that the sum is read and written once for eight products; the inner loop is one that
 * the JVM makes vector instructions of. Sums are in the order of rows, whatever is computed at once.
 */
public final class Combination {
    private static final int TOGETHER = 8;

    private Combination() {
    }

    /**
     * {@code to[i] += sum over k of factors[at + k] * rows[first + k][i]}, for i from {@code from} (inclusive) to {@code end} (exclusive).
     *
     * @param count how many rows
     */
    public static void add(double[] to, int from, int end, double[] factors, int at, int count, double[][] rows, int first) {
        int k = 0;
        for (; k + TOGETHER <= count; k += TOGETHER) {
            int f = at + k;
            int r = first + k;
            eight(to, from, end, factors, f, rows, r);
        }
        for (; k < count; k++) {
            double factor = factors[at + k];
            double[] row = rows[first + k];
            for (int i = from; i < end; i++) {
                to[i] += factor * row[i];
            }
        }
    }

    private static void eight(double[] to, int from, int end, double[] factors, int f, double[][] rows, int r) {
        double f0 = factors[f];
        double f1 = factors[f + 1];
        double f2 = factors[f + 2];
        double f3 = factors[f + 3];
        double f4 = factors[f + 4];
        double f5 = factors[f + 5];
        double f6 = factors[f + 6];
        double f7 = factors[f + 7];
        double[] r0 = rows[r];
        double[] r1 = rows[r + 1];
        double[] r2 = rows[r + 2];
        double[] r3 = rows[r + 3];
        double[] r4 = rows[r + 4];
        double[] r5 = rows[r + 5];
        double[] r6 = rows[r + 6];
        double[] r7 = rows[r + 7];
        for (int i = from; i < end; i++) {
            to[i] = to[i] + f0 * r0[i] + f1 * r1[i] + f2 * r2[i] + f3 * r3[i] + f4 * r4[i] + f5 * r5[i] + f6 * r6[i] + f7 * r7[i];
        }
    }
}
