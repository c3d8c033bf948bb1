package io.jllm.quant.codec;

import java.util.Arrays;

/**
 * Looks for the scale under which signed integers come closest to a group of values, the large ones counting most.
 *
 * <p>With integers l fixed, the error {@code sum w (x - s l)^2} is least at {@code s = sum(w x l) / sum(w l^2)} and falls by
 * {@code sum(w x l)^2 / sum(w l^2)}. So the search tries scales around the one that maps the largest magnitude to the end
 * of the range, rounds under each, and keeps the rounding with the greatest fall. Weights are {@code w = x^2}, and the grid is that
 * of ggml's search for K-quants (18 more scales, in steps of a tenth of an integer at the peak): with the same order of
 * operations, so that files agree with ggml's to the byte.
 */
final class ScaleSearch {
    private static final int STEPS = 9;
    private static final float TINY = 1e-15f;

    private ScaleSearch() {
    }

    /**
     * Fits {@code x[at..at+n)} by {@code scale * q}, q from {@code -range} to {@code range - 1}.
     *
     * @param q receives the integers from {@code qAt} on; the least ones where the scale is 0
     * @return the scale, whose sign may be either; 0 for values that are all about zero, infinite for values beyond any scale
     */
    static float fit(float[] x, int at, int n, int range, byte[] q, int qAt) {
        float peak = Groups.peak(x, at, n);
        if (Math.abs(peak) < TINY) {
            Arrays.fill(q, qAt, qAt + n, (byte) -range); // stored as zero bits
            return 0;
        }
        float chosen = 0;
        float scale = 0;
        float best = 0;
        for (int trial = 0; trial <= 2 * STEPS; trial++) {
            // the plain scale first: another one must beat it, not equal it
            int step = trial == 0 ? 0 : trial <= STEPS ? trial - 1 - STEPS : trial - STEPS;
            float inverse = -(range + 0.1f * step) / peak;
            float cross = 0;
            float square = 0;
            for (int i = 0; i < n; i++) {
                float v = x[at + i];
                int l = round(inverse * v, range);
                float w = v * v;
                cross += w * v * l;
                square += w * l * l;
            }
            if (trial == 0 || square > 0 && cross * cross > best * square) {
                chosen = inverse;
                scale = square == 0 ? 0 : cross / square;
                best = scale * cross;
            }
        }
        for (int i = 0; i < n; i++) {
            q[qAt + i] = (byte) round(chosen * x[at + i], range);
        }
        // squares that overflow leave no number: say "too large" rather than nothing
        return Float.isNaN(scale) ? Float.POSITIVE_INFINITY : scale;
    }

    private static int round(float x, int range) {
        return Math.clamp((int) Math.rint(x), -range, range - 1);
    }
}
