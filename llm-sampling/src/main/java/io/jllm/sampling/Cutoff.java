package io.jllm.sampling;

import java.util.Arrays;

/**
 * Where a list of candidates, were it sorted from the highest logit down and by id among equals, has to be cut so that the
 * weights of those that stay reach a target. The list is never sorted: a radix search over the bits of the logits finds the
 * lowest logit that stays in three passes, whatever the logits are like.
 */
final class Cutoff {
    private static final int[] SHIFT = {21, 10, 0};
    private static final int[] BITS = {11, 11, 10};

    private final double[] mass = new double[1 << 11];
    private double above;
    private float lowest;
    private int last;

    /** The lowest logit that stays. */
    float lowest() {
        return lowest;
    }

    /** The index of the last candidate with the lowest logit that stays. */
    int last() {
        return last;
    }

    /**
     * Finds the cut after the fewest candidates whose weights sum to {@code target} or more; after the last of positive weight
     * if all of them do not reach it.
     *
     * @param logits logits of candidates in order of id, none NaN
     * @param weights their weights, at least 0 and not all 0
     * @param n how many there are, at least one
     * @param target the sum to reach, above 0
     */
    void find(float[] logits, double[] weights, int n, double target) {
        above = 0;
        long prefix = 0;
        for (int level = 0; level < SHIFT.length; level++) {
            int shift = SHIFT[level];
            int bits = BITS[level];
            int mask = (1 << bits) - 1;
            Arrays.fill(mass, 0);
            for (int i = 0; i < n; i++) {
                long key = key(logits[i]);
                if (key >>> shift + bits == prefix) {
                    mass[(int) (key >>> shift) & mask] += weights[i];
                }
            }
            prefix = prefix << bits | descend(target);
        }
        lowest = logit(prefix);
        last = -1;
        for (int i = 0; i < n && (last < 0 || above < target); i++) {
            if (logits[i] == lowest) {
                above += weights[i];
                last = i;
            }
        }
    }

    /** The highest bin with which the target is reached, or the lowest that is not empty; what is above it is added up. */
    private int descend(double target) {
        int found = -1;
        for (int bin = mass.length - 1; bin >= 0; bin--) {
            if (mass[bin] > 0) {
                if (found >= 0) {
                    above += mass[found];
                }
                found = bin;
                if (above + mass[bin] >= target) {
                    break;
                }
            }
        }
        return found;
    }

    /** 32 bits whose unsigned order is that of the logits; the two zeros are one. */
    private static long key(float logit) {
        int bits = Float.floatToRawIntBits(logit + 0f);
        return (bits ^ (bits >> 31 | Integer.MIN_VALUE)) & 0xFFFFFFFFL;
    }

    private static float logit(long key) {
        int bits = (int) key;
        return Float.intBitsToFloat(bits < 0 ? bits ^ Integer.MIN_VALUE : ~bits);
    }
}
