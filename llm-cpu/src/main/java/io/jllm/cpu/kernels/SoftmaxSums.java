package io.jllm.cpu.kernels;

/**
 * Sums of weighted values over some range of positions: for each row the largest score, the sum of the weights exp(score - largest), and
 * then the values, multiplied by their weights and added up.
 */
final class SoftmaxSums {
    /** Floats before the values of a row. */
    static final int HEADER = 2;

    private SoftmaxSums() {
    }

    /** Floats of a row. */
    static int size(int dim) {
        return HEADER + dim;
    }

    static void set(float[] sums, int at, float largest, float weights) {
        sums[at] = largest;
        sums[at + 1] = weights;
    }

    /** A row that saw no position. */
    static void setNothing(float[] sums, int at) {
        set(sums, at, Float.NEGATIVE_INFINITY, 0);
    }

    /** Adds rows of sums over later positions to rows of {@code into}. */
    static void merge(float[] into, int at, float[] from, int fromAt, int rows, int dim) {
        for (int r = 0; r < rows; r++) {
            mergeRow(into, at + r * size(dim), from, fromAt + r * size(dim), dim);
        }
    }

    private static void mergeRow(float[] into, int a, float[] from, int b, int dim) {
        if (from[b + 1] == 0) {
            return; // no position was seen
        }
        if (into[a + 1] == 0) {
            System.arraycopy(from, b, into, a, size(dim));
            return;
        }
        if (from[b] > into[a]) {
            float factor = (float) Math.exp(into[a] - from[b]);
            into[a] = from[b];
            into[a + 1] = into[a + 1] * factor + from[b + 1];
            for (int i = 0; i < dim; i++) {
                into[a + HEADER + i] = into[a + HEADER + i] * factor + from[b + HEADER + i];
            }
        } else {
            float factor = (float) Math.exp(from[b] - into[a]);
            into[a + 1] = into[a + 1] + from[b + 1] * factor;
            for (int i = 0; i < dim; i++) {
                into[a + HEADER + i] = into[a + HEADER + i] + from[b + HEADER + i] * factor;
            }
        }
    }

    /** Turns a row into the weighted mean, with a score beside the others that has no value. */
    static void divide(float[] sums, int at, int dim, float sink) {
        float weights = sums[at + 1] + (float) Math.exp(sink - sums[at]);
        for (int i = 0; i < dim; i++) {
            sums[at + HEADER + i] /= weights;
        }
    }
}
