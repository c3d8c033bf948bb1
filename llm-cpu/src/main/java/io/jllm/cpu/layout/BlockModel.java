package io.jllm.cpu.layout;

import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;

/**
 * What the kernels in machine code compute, to the last bit, in plain Java, from the bytes of the file: products of a row of weights by
 * activations of 8 bits, or of 32 where weights are floats. For tests, of which one runs before a format is first used.
 *
 * <p>A block of 32 columns at a time: sums of products of integers become floats and are multiplied by their scales, the first half's, then
 * with one rounding the second's, where halves have scales of their own; then come the minima in the same order, then the activations' scale.
 *
 * @param values integers of the row, or floats
 * @param each how many have a scale
 * @param scales for each of these; none for floats
 * @param minima what is subtracted from each of these values; none if nothing is
 */
public record BlockModel(float[] values, int each, float[] scales, float[] minima) {
    private static final int BLOCK = 32;
    private static final float LIMIT = 127;

    /**
     * A row of stored weights.
     *
     * @throws IllegalArgumentException if their format is not rearranged
     */
    public static BlockModel of(Weights w, int row) {
        return of(WeightFormat.of(w).orElseThrow(() -> new IllegalArgumentException(w.format() + " is not rearranged")), w, row);
    }

    /** A row of weights of that format. */
    public static BlockModel of(WeightFormat format, Weights w, int row) {
        int cols = (int) w.cols();
        BlockModel model = switch (format.numbers()) {
            case Numbers.Integers(Planes _, Scales s) -> new BlockModel(new float[cols], s.columns(), new float[cols / s.columns()],
                    new float[s.minima() ? cols / s.columns() : 0]);
            case Numbers.Floats _, Numbers.EightBits _ -> new BlockModel(new float[cols], cols, new float[0], new float[0]);
        };
        // As an array: this runs before anything is compiled, when a call for each byte takes long.
        var data = new byte[(int) w.rowBytes()];
        w.read(row, 1, MemorySegment.ofArray(data));
        for (int c = 0; c < cols; c += format.type().blockElements()) {
            format.layout().model(data, c / format.type().blockElements() * format.type().blockBytes(), model, c);
        }
        return model;
    }

    /** Scale of the block of {@code x} that starts at {@code at}. */
    public static float scale(float[] x, int at) {
        return largest(x, at) / LIMIT;
    }

    /** The largest magnitude; what is no number counts as larger than any. */
    private static float largest(float[] x, int at) {
        int bits = 0;
        for (int i = at; i < at + BLOCK; i++) {
            bits = Math.max(bits, Float.floatToRawIntBits(x[i]) & Integer.MAX_VALUE);
        }
        return Float.intBitsToFloat(bits);
    }

    /** The bytes of that block. */
    static byte[] quants(float[] x, int at) {
        float inverse = LIMIT / largest(x, at);
        var q = new byte[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            float scaled = x[at + i] * inverse;
            // What does not fit an int becomes the smallest one in the processor's conversion, of which the low byte is 0.
            q[i] = Math.abs(scaled) <= LIMIT + 1 ? (byte) Math.rint(scaled) : 0;
        }
        return q;
    }

    /**
     * A token, for products with several rows.
     *
     * @param x as it is
     * @param quants bytes of each block, where all of them are whole ones
     * @param scales of these
     */
    public record Token(float[] x, byte[][] quants, float[] scales) {
        public static Token of(float[] x) {
            int blocks = x.length % BLOCK == 0 ? x.length / BLOCK : 0;
            var quants = new byte[blocks][];
            var scales = new float[blocks];
            for (int b = 0; b < blocks; b++) {
                quants[b] = BlockModel.quants(x, b * BLOCK);
                scales[b] = scale(x, b * BLOCK);
            }
            return new Token(x, quants, scales);
        }
    }

    /** The row by a token. */
    public float dot(float[] x) {
        return dot(Token.of(x));
    }

    /** The row by a token. */
    public float dot(Token x) {
        float acc = 0;
        if (scales.length == 0) {
            for (int i = 0; i < values.length; i++) {
                acc = Math.fma(values[i], x.x[i], acc);
            }
            return acc;
        }
        for (int at = 0; at < values.length; at += BLOCK) {
            byte[] q = x.quants[at / BLOCK];
            float t = 0;
            for (int from = 0; from < BLOCK; from += each) {
                int sum = 0;
                for (int i = from; i < from + each; i++) {
                    sum += (int) values[at + i] * q[i];
                }
                float scale = scales[(at + from) / each];
                t = from == 0 ? sum * scale : Math.fma((float) sum, scale, t);
            }
            for (int from = 0; from < BLOCK && minima.length > 0; from += each) {
                int sum = 0;
                for (int i = from; i < from + each; i++) {
                    sum += q[i];
                }
                t = Math.fma(minima[(at + from) / each], (float) -sum, t);
            }
            acc = Math.fma(t, x.scales[at / BLOCK], acc);
        }
        return acc;
    }
}
