package io.jllm.cpu.layout;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;

/**
 * What the kernels in machine code compute, to the last bit, in plain Java, from the bytes of the file: products of a row of weights by
 * activations of 8 bits, or of 32 where weights are floats. For tests, of which one runs before a format is first used.
 *
 * @param values integers of the row, or floats
 * @param each how many have a scale
 * @param scales for each of these; none for floats
 * @param minima what is subtracted from each value of a block of 32; none if nothing is
 */
public record BlockModel(float[] values, int each, float[] scales, float[] minima) {
    private static final int BLOCK = 32;
    private static final int SUPER = 256;
    private static final float LIMIT = 127;

    /** A row of a stored tensor. */
    public static BlockModel of(Tensor t, int row) {
        int cols = (int) t.cols();
        long at = row * t.rowBytes();
        var values = new float[cols];
        if (!t.type().isQuantized()) {
            Codec.of(t.type()).orElseThrow().decode(t.data(), at, values, 0, cols);
            return new BlockModel(values, cols, new float[0], new float[0]);
        }
        // As an array: this runs before anything is compiled, when a call for each byte takes long.
        byte[] data = t.data().asSlice(at, t.rowBytes()).toArray(Layout.BYTE);
        int each = t.type() == DType.Q6_K ? 16 : BLOCK;
        boolean simple = t.type() == DType.Q4_0 || t.type() == DType.Q8_0;
        var scales = new float[cols / each];
        var minima = new float[simple || each < BLOCK ? 0 : cols / BLOCK];
        for (int c = 0; c < cols; c++) {
            int block = c / t.type().blockElements() * t.type().blockBytes();
            int i = c % t.type().blockElements();
            int k = i / each;
            switch (t.type()) {
                case Q4_0 -> {
                    values[c] = (octet(data, block + 2 + i % 16) >> i / 16 * 4 & 15) - 8;
                    scales[c / each] = half(data, block);
                }
                case Q8_0 -> {
                    values[c] = (byte) octet(data, block + 2 + i);
                    scales[c / each] = half(data, block);
                }
                case Q6_K -> {
                    int run = i % 128 / 32;
                    int nibble = octet(data, block + i / 128 * 64 + run % 2 * 32 + i % 32) >> run / 2 * 4 & 15;
                    int top = octet(data, block + 128 + i / 128 * 32 + i % 32) >> run * 2 & 3;
                    values[c] = (nibble | top << 4) - 32;
                    scales[c / each] = half(data, block + 208) * (byte) octet(data, block + 192 + k);
                }
                default -> {
                    int nibbles = block + t.type().blockBytes() - SUPER / 2;
                    int nibble = octet(data, nibbles + k / 2 * 32 + i % 32) >> k % 2 * 4 & 15;
                    values[c] = t.type() == DType.Q4_K ? nibble : nibble | (octet(data, block + 16 + i % 32) >> k & 1) << 4;
                    scales[c / each] = half(data, block) * sixBits(data, block + 4, k, 0);
                    minima[c / each] = half(data, block + 2) * sixBits(data, block + 4, k, 4);
                }
            }
        }
        return new BlockModel(values, each, scales, minima);
    }

    private static int octet(byte[] data, int at) {
        return data[at] & 0xFF;
    }

    private static float half(byte[] data, int at) {
        return Float.float16ToFloat((short) (octet(data, at) | data[at + 1] << Byte.SIZE));
    }

    /** Scale (kind 0) or minimum (kind 4) {@code k} of 12 bytes that hold 8 of each. */
    private static int sixBits(byte[] data, int at, int k, int kind) {
        if (k < 4) {
            return octet(data, at + kind + k) & 63;
        }
        return octet(data, at + 4 + k) >> kind & 15 | octet(data, at + kind + k - 4) >> 6 << 4;
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
            int all = 0;
            for (int from = 0; from < BLOCK; from += each) {
                int sum = 0;
                for (int i = from; i < from + each; i++) {
                    sum += (int) values[at + i] * q[i];
                    all += q[i];
                }
                float scale = scales[(at + from) / each];
                t = from == 0 ? sum * scale : Math.fma((float) sum, scale, t);
            }
            if (minima.length > 0) {
                t = Math.fma(minima[at / BLOCK], (float) -all, t);
            }
            acc = Math.fma(t, x.scales[at / BLOCK], acc);
        }
        return acc;
    }
}
