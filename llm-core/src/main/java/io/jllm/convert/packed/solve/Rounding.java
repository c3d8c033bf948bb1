package io.jllm.convert.packed.solve;

/**
 * Rounds weights to whole numbers that share a scale and a zero. Scales are those that half precision has, for that is what files hold: whoever
 * makes up for errors makes up for that of the scale, too.
 *
 * @param bits of a number: 2, 3, 4 or 8
 * @param symmetric whether zero is always in the middle of the range
 */
public record Rounding(int bits, boolean symmetric) {
    private static final float LEAST_SCALE = 0x1p-24f;

    /** The greatest number. */
    public int top() {
        return (1 << bits) - 1;
    }

    /** The scale by which a range of weights, which zero is always in, fits the numbers. */
    public float scale(double least, double greatest) {
        double low = Math.min(0, least);
        double high = Math.max(0, greatest);
        if (symmetric) {
            high = Math.max(high, -low);
            low = -high;
        }
        if (low == high) {
            low = -1;
            high = 1;
        }
        float scale = Float.float16ToFloat(Float.floatToFloat16((float) ((high - low) / top())));
        return Math.max(LEAST_SCALE, scale);
    }

    /** The number that stands for zero. */
    public int zero(double least, float scale) {
        return symmetric ? top() + 1 >> 1 : Math.clamp((int) Math.rint(-Math.min(0, least) / scale), 0, top());
    }

    /** The number that a weight becomes. */
    public int number(double weight, float scale, int zero) {
        return (int) Math.clamp(Math.rint(weight / scale) + zero, 0.0, top());
    }

    /** Finds scale and zero for weights {@code from} (inclusive) to {@code end} (exclusive), and puts them into place {@code at}. */
    void fit(double[] weights, int from, int end, float[] scales, byte[] zeros, int at) {
        double least = weights[from];
        double greatest = least;
        for (int i = from + 1; i < end; i++) {
            least = Math.min(least, weights[i]);
            greatest = Math.max(greatest, weights[i]);
        }
        scales[at] = scale(least, greatest);
        zeros[at] = (byte) zero(least, scales[at]);
    }
}
