package io.jllm.quant.codec.block;

import java.util.Arrays;

/**
 * Looks for the scale under which integers from 0 on come closest to a few values that are not negative: {@code value = scale q}. Each value
 * has a weight, and {@code sum weight error^2} counts.
 *
 * <p>It takes the best of nine scales around the one that maps the greatest value to the greatest integer, then moves integers one by one to
 * where they are best under the scale that the others ask for, five times or until none moves. That is ggml's search for the scales of scales
 * ({@code make_qp_quants}), with the same order of operations, so that files agree with ggml's to the byte.
 */
public final class PositiveScale {
    private static final float TINY = 1e-15f;
    private static final int STEPS = 4;
    private static final int ROUNDS = 5;

    private PositiveScale() {
    }

    /**
     * Fits {@code x}.
     *
     * @param q receives an integer for each value, 0 to {@code greatest}
     * @return the scale; 0 for values that are all about zero, infinite for values beyond any scale
     */
    public static float fit(float[] x, float[] w, int greatest, int[] q) {
        float most = Math.max(0, Groups.greatest(x, 0, x.length));
        if (most < TINY) {
            Arrays.fill(q, 0);
            return 0;
        }
        float inverse = inverse(x, w, most, greatest);
        float cross = 0;
        float square = 0;
        for (int i = 0; i < x.length; i++) {
            int l = Rounding.clamped(inverse * x[i], 0, greatest);
            q[i] = l;
            cross += w[i] * x[i] * l;
            square += w[i] * l * l;
        }
        boolean moved = true;
        for (int round = 0; round < ROUNDS && moved; round++) {
            moved = false;
            for (int i = 0; i < x.length; i++) {
                float others = cross - w[i] * x[i] * q[i];
                float otherSquare = square - w[i] * q[i] * q[i];
                if (!(others > 0 && otherSquare > 0)) {
                    continue;
                }
                int better = Rounding.clamped(x[i] * otherSquare / others, 0, greatest);
                float newCross = others + w[i] * x[i] * better;
                float newSquare = otherSquare + w[i] * better * better;
                if (better != q[i] && newCross * newCross * square > cross * cross * newSquare) {
                    q[i] = better;
                    cross = newCross;
                    square = newSquare;
                    moved = true;
                }
            }
        }
        // squares that overflow leave no number: say "too large" rather than nothing
        return !Float.isFinite(cross) || !Float.isFinite(square) ? Float.POSITIVE_INFINITY : square > 0 ? cross / square : 0;
    }

    private static float inverse(float[] x, float[] w, float most, int greatest) {
        float inverse = 0;
        float best = 0;
        for (int trial = 0; trial <= 2 * STEPS; trial++) {
            int step = trial == 0 ? 0 : trial <= STEPS ? trial - 1 - STEPS : trial - STEPS;
            float tried = (0.1f * step + greatest) / most;
            float scale = 1 / tried;
            float error = 0;
            for (int i = 0; i < x.length; i++) {
                float off = x[i] - scale * Rounding.clamped(tried * x[i], 0, greatest);
                error += w[i] * off * off;
            }
            if (trial == 0 || error < best) {
                best = error;
                inverse = tried;
            }
        }
        return inverse;
    }
}
