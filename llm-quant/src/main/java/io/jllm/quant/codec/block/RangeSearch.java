package io.jllm.quant.codec.block;

import java.util.Arrays;

/**
 * Looks for the scale and the minimum under which integers from 0 on come closest to a group of values: {@code value = scale q -
 * minimum}, the minimum not below 0. Each value has a weight; what counts is the sum of {@code weight error^2}, or {@code weight |error|}.
 *
 * <p>With integers l fixed, weighted least squares give a line. So the search rounds under scales around the one that maps the
 * values' range to that of the integers, draws the line through each rounding, and keeps the best of these lines and that scale. A line
 * that is better moves the range for the scales to come. The trials are those of ggml's searches ({@code make_qkx2_quants}, {@code
 * make_qkx3_quants}), with the same order of operations, so that files agree with ggml's to the byte.
 *
 * <p>Sums in that order are slow one by one, so many groups are searched side by side, a lane each: loops run over lanes, which compilers turn
 * into vectors. Not thread-safe.
 */
public final class RangeSearch {
    /** Groups that are searched together at most: so many that loops over them spend most of their time in vectors. */
    public static final int LANES = 256;

    /**
     * The scales to try: such that the range of values becomes {@code greatest + first + step i} integers, i from 0 to last.
     *
     * @param absolute whether errors count by their magnitude, not by their square
     */
    public record Trials(float first, float step, int last, boolean absolute) {
        /** What ggml tries where columns have weights of their own. */
        public static final Trials WEIGHTED = new Trials(-0.9f, 0.05f, 36, false);
    }

    private final int count;
    private final int greatest;
    private final Trials trials;
    private final float[][] x;
    private final float[][] w;
    private final float[][] rounded;
    private final float[] least = new float[LANES];
    private final float[] most = new float[LANES];
    private final float[] sum = new float[LANES];
    private final float[] sumX = new float[LANES];
    private final float[] inverse = new float[LANES];
    private final float[] sumL = new float[LANES];
    private final float[] sumL2 = new float[LANES];
    private final float[] sumXL = new float[LANES];
    private final float[] slope = new float[LANES];
    private final float[] start = new float[LANES];
    private final float[] error = new float[LANES];
    private final float[] best = new float[LANES];
    private final float[] scale = new float[LANES];
    /** Under which scale and from which value on the best integers were rounded. */
    private final float[] bestInverse = new float[LANES];
    private final float[] bestLeast = new float[LANES];
    private final boolean[] flat = new boolean[LANES];

    /** A search for groups of so many values, and integers up to the greatest. */
    public RangeSearch(int count, int greatest, Trials trials) {
        this.count = count;
        this.greatest = greatest;
        this.trials = trials;
        this.x = new float[count][LANES];
        this.w = new float[count][LANES];
        this.rounded = new float[count][LANES];
    }

    /** Puts a group into a lane: values from {@code at} on, and their weights from 0 on. */
    public void put(int lane, float[] values, int at, float[] weights) {
        for (int i = 0; i < count; i++) {
            x[i][lane] = values[at + i];
            w[i][lane] = weights[i];
        }
    }

    /** Fits the groups in the first lanes. */
    public void fit(int lanes) {
        spans(lanes);
        for (int g = 0; g < lanes; g++) {
            flat[g] = most[g] == least[g];
            inverse[g] = greatest / (most[g] - least[g]);
            scale[g] = 1 / inverse[g];
        }
        measure(lanes, scale, least);
        for (int g = 0; g < lanes; g++) {
            best[g] = error[g];
            bestInverse[g] = inverse[g];
            bestLeast[g] = least[g];
        }
        for (int trial = 0; trial <= trials.last; trial++) {
            float integers = trials.first + trials.step * trial + greatest;
            for (int g = 0; g < lanes; g++) {
                inverse[g] = integers / (most[g] - least[g]);
            }
            measureLines(lanes);
            keepBetter(lanes);
        }
        for (int g = 0; g < lanes; g++) {
            if (flat[g]) { // no range, and so no scale
                scale[g] = 0;
                bestInverse[g] = 0;
            }
        }
    }

    /** The scale of a lane, 0 or more; 0 if all values are the same and not above 0. Of values beyond any scale it is beyond half precision. */
    public float scale(int lane) {
        return scale[lane];
    }

    /** The minimum of a lane: what is subtracted, 0 or more. */
    public float minimum(int lane) {
        return -least[lane];
    }

    /** The integers of a lane. */
    public void integers(int lane, byte[] q, int at) {
        for (int i = 0; i < count; i++) {
            q[at + i] = (byte) Rounding.clamped(bestInverse[lane] * (x[i][lane] - bestLeast[lane]), 0, greatest);
        }
    }

    private void spans(int lanes) {
        Arrays.fill(least, 0);
        Arrays.fill(most, Float.NEGATIVE_INFINITY);
        Arrays.fill(sum, 0);
        Arrays.fill(sumX, 0);
        for (int i = 0; i < count; i++) {
            span(lanes, x[i], w[i], least, most, sum, sumX);
        }
    }

    private void measure(int lanes, float[] slopes, float[] starts) {
        Arrays.fill(error, 0);
        for (int i = 0; i < count; i++) {
            round(lanes, x[i], inverse, least, greatest, rounded[i]);
            addError(lanes, i, slopes, starts);
        }
    }

    private void measureLines(int lanes) {
        Arrays.fill(sumL, 0);
        Arrays.fill(sumL2, 0);
        Arrays.fill(sumXL, 0);
        for (int i = 0; i < count; i++) {
            round(lanes, x[i], inverse, least, greatest, rounded[i]);
            addSums(lanes, x[i], w[i], rounded[i], sumL, sumL2, sumXL);
        }
        for (int g = 0; g < lanes; g++) {
            float determinant = determinant(g);
            slope[g] = (sum[g] * sumXL[g] - sumX[g] * sumL[g]) / determinant;
            start[g] = (sumL2[g] * sumX[g] - sumL[g] * sumXL[g]) / determinant;
            if (start[g] > 0) {
                start[g] = 0;
                slope[g] = sumXL[g] / sumL2[g];
            }
        }
        Arrays.fill(error, 0);
        for (int i = 0; i < count; i++) {
            addError(lanes, i, slope, start);
        }
    }

    private float determinant(int g) {
        return sum[g] * sumL2[g] - sumL[g] * sumL[g];
    }

    private void keepBetter(int lanes) {
        for (int g = 0; g < lanes; g++) {
            if (error[g] < best[g] && determinant(g) > 0) {
                best[g] = error[g];
                scale[g] = slope[g];
                bestInverse[g] = inverse[g];
                bestLeast[g] = least[g];
                least[g] = start[g];
            }
        }
    }

    private void addError(int lanes, int i, float[] slopes, float[] starts) {
        if (trials.absolute) {
            addAbsolute(lanes, x[i], w[i], rounded[i], slopes, starts, error);
        } else {
            addSquares(lanes, x[i], w[i], rounded[i], slopes, starts, error);
        }
    }

    // The loops over lanes stand alone, with one index for all arrays: so they become vectors.

    private static void span(int lanes, float[] x, float[] w, float[] least, float[] most, float[] sum, float[] sumX) {
        for (int g = 0; g < lanes; g++) {
            least[g] = Math.min(least[g], x[g]);
            most[g] = Math.max(most[g], x[g]);
            sum[g] += w[g];
            sumX[g] += w[g] * x[g];
        }
    }

    private static void round(int lanes, float[] x, float[] inverse, float[] least, float greatest, float[] rounded) {
        for (int g = 0; g < lanes; g++) {
            rounded[g] = Math.max(0, Math.min(greatest, Rounding.even(inverse[g] * (x[g] - least[g]))));
        }
    }

    private static void addSums(int lanes, float[] x, float[] w, float[] l, float[] sumL, float[] sumL2, float[] sumXL) {
        for (int g = 0; g < lanes; g++) {
            float wl = w[g] * l[g];
            sumL[g] += wl;
            sumL2[g] += wl * l[g];
            sumXL[g] += wl * x[g];
        }
    }

    private static void addSquares(int lanes, float[] x, float[] w, float[] l, float[] slope, float[] start, float[] error) {
        for (int g = 0; g < lanes; g++) {
            float off = slope[g] * l[g] + start[g] - x[g];
            error[g] += w[g] * (off * off);
        }
    }

    private static void addAbsolute(int lanes, float[] x, float[] w, float[] l, float[] slope, float[] start, float[] error) {
        for (int g = 0; g < lanes; g++) {
            error[g] += w[g] * Math.abs(slope[g] * l[g] + start[g] - x[g]);
        }
    }
}
