package io.jllm.model;

import java.util.Optional;

/**
 * How attention weighs positions: softmax of the products of q and k times {@code scale}.
 *
 * @param scale what products are multiplied by
 * @param window a token at position p sees positions from {@code p - window + 1}, or all if the window is 0
 * @param chunked instead it sees those from {@code p / window * window}, whole numbers: windows that do not slide
 * @param softCap one c above 0 turns scores s into c * tanh(s / c)
 * @param alibi what is added to scores then
 * @param sinks a tensor with one score for each query head, which takes its share of the softmax and adds no value
 */
public record Scores(float scale, int window, boolean chunked, float softCap, Optional<Alibi> alibi, Optional<String> sinks) {
    /**
     * Attention with linear biases: a score for a key at position j of a query at position p gets {@code factor * slope * (j - p)}. Softmax
     * does not see what is equal for all j, so {@code factor * slope * j} is the same. Source: Press, Smith and Lewis, 2022.
     *
     * @param slopes one for each query head. Not to be changed
     * @param factor multiplies all
     * @param bfloat16 whether j, and then {@code slope * j}, is rounded to bfloat16 (to the nearest, ties to even) before it is multiplied, as
     *     Falcon has it; the slopes are then numbers of bfloat16, too
     */
    public record Alibi(float[] slopes, float factor, boolean bfloat16) {
        /** The usual slopes: powers of {@code 2^(-max / n)}, where n is how many heads there are or the power of two below, then odd ones between. */
        public static Alibi of(int heads, double max) {
            return new Alibi(slopes(heads, max), 1, false);
        }

        /** The same in bfloat16. */
        public static Alibi bfloat16(int heads, double max, float factor) {
            float[] slopes = slopes(heads, max);
            for (int i = 0; i < heads; i++) {
                slopes[i] = rounded(slopes[i]);
            }
            return new Alibi(slopes, factor, true);
        }

        private static float[] slopes(int heads, double max) {
            int n = Integer.highestOneBit(heads);
            float base = (float) Math.pow(2, -max / n);
            float between = (float) Math.pow(2, -max / (2.0 * n));
            var slopes = new float[heads];
            for (int h = 0; h < heads; h++) {
                slopes[h] = (float) (h < n ? Math.pow(base, h + 1) : Math.pow(between, 2 * (h - n) + 1));
            }
            return slopes;
        }

        /** What is added to the score of a key at position {@code key} of a query at {@code query}. */
        public float bias(int head, int key, int query) {
            return bfloat16 ? factor * rounded(slopes[head] * rounded(key)) : factor * (slopes[head] * (key - query));
        }

        private static float rounded(float x) {
            int bits = Float.floatToRawIntBits(x);
            return Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
        }
    }

    /** The usual ones: divided by the square root of the head's length, over all positions. */
    public static Scores of(int headDim) {
        return scaled((float) (1 / Math.sqrt(headDim)));
    }

    /** With that scale, over all positions. */
    public static Scores scaled(float scale) {
        return new Scores(scale, 0, false, 0, Optional.empty(), Optional.empty());
    }

    /** With a sliding window; 0 for none. */
    public Scores window(int positions) {
        return new Scores(scale, positions, false, softCap, alibi, sinks);
    }

    /** With windows that do not slide; 0 for none. */
    public Scores chunks(int positions) {
        return new Scores(scale, positions, positions > 0, softCap, alibi, sinks);
    }

    /** With a soft cap; 0 for none. */
    public Scores softCap(float cap) {
        return new Scores(scale, window, chunked, cap, alibi, sinks);
    }

    /** With linear biases. */
    public Scores alibi(Alibi biases) {
        return new Scores(scale, window, chunked, softCap, Optional.of(biases), sinks);
    }

    /** With sinks. */
    public Scores sinks(String tensor) {
        return new Scores(scale, window, chunked, softCap, alibi, Optional.of(tensor));
    }

    /** The first position that a token at {@code position} sees. */
    public int first(int position) {
        return window == 0 ? 0 : chunked ? position / window * window : Math.max(0, position - window + 1);
    }
}
