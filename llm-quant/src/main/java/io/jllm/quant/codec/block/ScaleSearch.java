package io.jllm.quant.codec.block;

import java.util.Arrays;

/**
 * Looks for the scale under which signed integers come closest to a group of values: {@code value = scale q}, q from {@code -range} to {@code
 * range - 1}. Each value has a weight: its square, so that the large ones count most, or one from elsewhere.
 *
 * <p>With integers l fixed, the error {@code sum w (x - s l)^2} is least at {@code s = sum(w x l) / sum(w l^2)} and falls by
 * {@code sum(w x l)^2 / sum(w l^2)}. So the search tries scales around the one that maps the largest magnitude to the end
 * of the range, rounds under each, and keeps the rounding with the greatest fall. The trials are those of ggml's search for K-quants (18 more
 * scales, in steps of a tenth of an integer at the peak): with the same order of operations, so that files agree with ggml's to the byte.
 *
 * <p>As in {@link RangeSearch}, many groups are searched side by side, a lane each. Not thread-safe.
 */
public final class ScaleSearch {
    /** Groups that are searched together at most: so many that loops over them spend most of their time in vectors. */
    public static final int LANES = 256;

    private static final int STEPS = 9;
    private static final float TINY = 1e-15f;

    private final int count;
    private final int range;
    private final float[][] x;
    private final float[][] w;
    private final float[] peak = new float[LANES];
    private final float[] inverse = new float[LANES];
    private final float[] cross = new float[LANES];
    private final float[] square = new float[LANES];
    private final float[] best = new float[LANES];
    private final float[] scale = new float[LANES];
    private final float[] bestInverse = new float[LANES];

    /** A search for groups of so many values. */
    public ScaleSearch(int count, int range) {
        this.count = count;
        this.range = range;
        this.x = new float[count][LANES];
        this.w = new float[count][LANES];
    }

    /** Puts a group into a lane: values from {@code at} on, weighted by their squares. */
    public void put(int lane, float[] values, int at) {
        peak[lane] = Groups.peak(values, at, count);
        for (int i = 0; i < count; i++) {
            float v = values[at + i];
            x[i][lane] = v;
            w[i][lane] = v * v;
        }
    }

    /** Puts a group into a lane: values from {@code at} on, and their weights from {@code weightsAt} on. */
    public void put(int lane, float[] values, int at, float[] weights, int weightsAt) {
        peak[lane] = Groups.peak(values, at, count);
        for (int i = 0; i < count; i++) {
            x[i][lane] = values[at + i];
            w[i][lane] = weights[weightsAt + i];
        }
    }

    /** Fits the groups in the first lanes. */
    public void fit(int lanes) {
        for (int trial = 0; trial <= 2 * STEPS; trial++) {
            // the plain scale first: another one must beat it, not equal it
            int step = trial == 0 ? 0 : trial <= STEPS ? trial - 1 - STEPS : trial - STEPS;
            float integers = -(range + 0.1f * step);
            for (int g = 0; g < lanes; g++) {
                inverse[g] = integers / peak[g];
            }
            Arrays.fill(cross, 0);
            Arrays.fill(square, 0);
            for (int i = 0; i < count; i++) {
                addSums(lanes, x[i], w[i], inverse, -range, range - 1, cross, square);
            }
            for (int g = 0; g < lanes; g++) {
                if (trial == 0 || square[g] > 0 && cross[g] * cross[g] > best[g] * square[g]) {
                    bestInverse[g] = inverse[g];
                    scale[g] = square[g] == 0 ? 0 : cross[g] / square[g];
                    best[g] = scale[g] * cross[g];
                }
            }
        }
    }

    /** The scale of a lane, whose sign may be either; 0 for values that are all about zero, infinite for values beyond any scale. */
    public float scale(int lane) {
        if (isTiny(lane)) {
            return 0;
        }
        // squares that overflow leave no number: say "too large" rather than nothing
        return Float.isNaN(scale[lane]) ? Float.POSITIVE_INFINITY : scale[lane];
    }

    /** The integers of a lane, plus {@code range}; zeros, as ggml has them, for values that are all about zero. */
    public void integers(int lane, byte[] q, int at) {
        for (int i = 0; i < count; i++) {
            q[at + i] = (byte) (isTiny(lane) ? 0 : range + Rounding.clamped(bestInverse[lane] * x[i][lane], -range, range - 1));
        }
    }

    private boolean isTiny(int lane) {
        return Math.abs(peak[lane]) < TINY;
    }

    // it stands alone, with one index for all arrays: so it becomes vectors

    private static void addSums(int lanes, float[] x, float[] w, float[] inverse, float least, float most, float[] cross, float[] square) {
        for (int g = 0; g < lanes; g++) {
            float l = Math.max(least, Math.min(most, Rounding.even(inverse[g] * x[g])));
            cross[g] += w[g] * x[g] * l;
            square[g] += w[g] * l * l;
        }
    }
}
