package io.jllm.quant.codec;

import java.util.Arrays;

/**
 * Looks for the scale and the minimum under which integers from 0 on come closest to a group of values: {@code value = scale q -
 * minimum}, the minimum not below 0. What counts is the sum of {@code w |error|}, with weights {@code w = |x|}.
 *
 * <p>With integers l fixed, weighted least squares give a line. So the search rounds under scales around the one that maps the
 * values' range to that of the integers, draws the line through each rounding, and keeps the best of these lines and that scale. A line
 * that is better moves the range for the scales to come. The grid is that of ggml's search for Q2_K (16 scales, in steps of a tenth of
 * an integer at the greatest value): with the same order of operations, so that files agree with ggml's to the byte. Not thread-safe.
 */
final class RangeSearch {
    private static final int STEPS = 15;
    private static final float FIRST = -0.5f;
    private static final float STEP = 0.1f;

    private final int count;
    private final int greatest;
    private final byte[] rounded;
    private float minimum;

    /** A search for groups of so many values, and integers up to the greatest. */
    RangeSearch(int count, int greatest) {
        this.count = count;
        this.greatest = greatest;
        this.rounded = new byte[count];
    }

    /** The minimum that the last {@link #fit} found: what is subtracted, 0 or more. */
    float minimum() {
        return minimum;
    }

    /**
     * Fits the values from {@code at} on.
     *
     * @param q receives the integers from {@code qAt} on
     * @return the scale, 0 or more; 0 if all values are the same and not above 0, infinite or beyond half precision for values
     *     beyond any scale
     */
    float fit(float[] x, int at, byte[] q, int qAt) {
        float least = Math.min(0, Groups.least(x, at, count));
        float most = Groups.greatest(x, at, count);
        minimum = -least;
        if (most == least) {
            Arrays.fill(q, qAt, qAt + count, (byte) 0);
            return 0;
        }
        float sum = 0;
        float sumX = 0;
        for (int i = at; i < at + count; i++) {
            float w = Math.abs(x[i]);
            sum += w;
            sumX += w * x[i];
        }
        float inverse = greatest / (most - least);
        float scale = 1 / inverse;
        round(x, at, least, inverse);
        System.arraycopy(rounded, 0, q, qAt, count);
        float best = error(x, at, scale, least);
        for (int step = 0; step <= STEPS; step++) {
            round(x, at, least, (FIRST + STEP * step + greatest) / (most - least));
            float sumL = 0;
            float sumL2 = 0;
            float sumXL = 0;
            for (int i = 0; i < count; i++) {
                float v = x[at + i];
                float w = Math.abs(v);
                int l = rounded[i];
                sumL += w * l;
                sumL2 += w * l * l;
                sumXL += w * l * v;
            }
            float determinant = sum * sumL2 - sumL * sumL;
            float slope = (sum * sumXL - sumX * sumL) / determinant;
            float start = (sumL2 * sumX - sumL * sumXL) / determinant;
            if (start > 0) {
                start = 0;
                slope = sumXL / sumL2;
            }
            float error = error(x, at, slope, start);
            if (determinant > 0 && error < best) {
                System.arraycopy(rounded, 0, q, qAt, count);
                best = error;
                scale = slope;
                least = start;
            }
        }
        minimum = -least;
        return scale;
    }

    private void round(float[] x, int at, float least, float inverse) {
        for (int i = 0; i < count; i++) {
            rounded[i] = (byte) Math.clamp((int) Math.rint(inverse * (x[at + i] - least)), 0, greatest);
        }
    }

    private float error(float[] x, int at, float slope, float start) {
        float error = 0;
        for (int i = 0; i < count; i++) {
            float v = x[at + i];
            error += Math.abs(v) * Math.abs(slope * rounded[i] + start - v);
        }
        return error;
    }
}
