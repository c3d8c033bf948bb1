package io.jllm.cpu.kernels;

import java.util.stream.IntStream;

/**
 * What the kernels in machine code compute, to the last bit, in plain Java: products of Q4_0 weights by activations of 8 bits.
 * For tests, of which one runs at every start.
 */
final class BlockModel {
    private static final int BLOCK = 32;
    private static final float LIMIT = 127;

    private BlockModel() {
    }

    /** Scale of the block of {@code x} that starts at {@code at}. */
    static float scale(float[] x, int at) {
        return largest(x, at) / LIMIT;
    }

    /** The largest magnitude; what is no number counts as larger than any. */
    private static float largest(float[] x, int at) {
        int bits = IntStream.range(at, at + BLOCK).map(i -> Float.floatToRawIntBits(x[i]) & Integer.MAX_VALUE).max().orElseThrow();
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
     * A row by a token.
     *
     * @param nibbles 0 to 15, of the row
     * @param scales of the row's blocks
     */
    static float dot(byte[] nibbles, float[] scales, float[] x) {
        float acc = 0;
        for (int b = 0; b < scales.length; b++) {
            byte[] q = quants(x, b * BLOCK);
            int sum = 0;
            for (int i = 0; i < BLOCK; i++) {
                sum += (nibbles[b * BLOCK + i] - 8) * q[i];
            }
            acc = Math.fma((float) sum, scales[b] * scale(x, b * BLOCK), acc);
        }
        return acc;
    }
}
