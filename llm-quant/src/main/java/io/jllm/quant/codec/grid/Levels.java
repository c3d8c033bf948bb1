package io.jllm.quant.codec.grid;

import io.jllm.quant.codec.block.Groups;

/**
 * The 16 levels of IQ4_NL and IQ4_XS, closer to each other near zero, and the search for the scale under which a group of values comes closest
 * to them: {@code value = scale level}.
 *
 * <p>With levels l fixed, the error {@code sum w (x - s l)^2} is least at {@code s = sum(w x l) / sum(w l^2)} and falls by {@code sum(w x l)^2 /
 * sum(w l^2)}. The search maps the value of the largest magnitude to the end of the levels or seven steps of one to either side, and keeps the
 * scale with the greatest fall. Source: ggml, with the same order of operations, so that files agree with ggml's to the byte.
 */
final class Levels {
    private static final float[] LEVELS = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    private static final float LEAST = LEVELS[0];
    private static final float GREATEST = LEVELS[LEVELS.length - 1];
    /** For each whole number from the least level on, the last level that is not above it. */
    private static final byte[] BELOW = below();
    private static final float TINY = 1e-15f;
    private static final int STEPS = 7;

    private Levels() {
    }

    /** The level of a number, 0 to 15. */
    static float of(int number) {
        return LEVELS[number];
    }

    /** The number of the nearest level, of two as near the greater. */
    static int nearest(float x) {
        if (!(x > LEAST)) {
            return 0;
        }
        if (x >= GREATEST) {
            return LEVELS.length - 1;
        }
        int below = BELOW[(int) Math.floor(x) - (int) LEAST];
        return x - LEVELS[below] < LEVELS[below + 1] - x ? below : below + 1;
    }

    /**
     * The best scale of a group.
     *
     * @param weights one for each value of the group
     * @return the scale, whose sign may be either; 0 for values that are all about zero, infinite for values beyond any scale
     */
    static float fit(float[] x, int at, float[] weights) {
        float peak = Groups.peak(x, at, weights.length);
        if (Math.abs(peak) < TINY) {
            return 0;
        }
        float scale = 0;
        float best = 0;
        for (int trial = 0; trial <= 2 * STEPS + 1; trial++) {
            // the end of the levels first, as the reciprocal of a scale: another one must beat it, not equal it
            float inverse = trial == 0 ? 1 / (-peak / LEAST) : (trial - 1 - STEPS + LEAST) / peak;
            float cross = 0;
            float square = 0;
            for (int j = 0; j < weights.length; j++) {
                float v = x[at + j];
                float level = LEVELS[nearest(inverse * v)];
                cross += weights[j] * level * v;
                square += weights[j] * level * level;
            }
            if (trial == 0 || square > 0 && cross * cross > best * square) {
                scale = square > 0 ? cross / square : square == 0 ? 0 : Float.NaN;
                best = scale * cross;
            }
        }
        // squares that overflow leave no number: say "too large" rather than nothing
        return Float.isNaN(scale) ? Float.POSITIVE_INFINITY : scale;
    }

    private static byte[] below() {
        var below = new byte[(int) (GREATEST - LEAST)];
        int level = 0;
        for (int i = 0; i < below.length; i++) {
            if (LEVELS[level + 1] <= LEAST + i) {
                level++;
            }
            below[i] = (byte) level;
        }
        return below;
    }
}
