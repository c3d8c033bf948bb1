package io.jllm.quant.codec.grid;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.FourBits;
import io.jllm.quant.codec.block.Groups;
import io.jllm.quant.codec.block.Importance;
import io.jllm.quant.codec.block.Rounding;
import io.jllm.quant.codec.block.WeighedEncoder;
import java.lang.foreign.MemorySegment;

/**
 * 256 values in eight groups of 32, each with a scale of 6 bits: {@code value = d (scale - 32) level}, of 16 {@link Levels}. Layout: d in half
 * precision, a little-endian short of the upper 2 bits of the scales, 4 bytes of their lower nibbles, the lower of a byte first, then 16 bytes
 * of nibbles for each group as {@link FourBits}. Source of codec and encoder: ggml.
 */
public final class IQ4_XS implements Codec, WeighedEncoder {
    private static final int VALUES = 256;
    private static final int BYTES = 136;
    private static final int UPPER = 2;
    private static final int LOWER = 4;
    private static final int NIBBLES = 8;
    private static final int GROUP = 32;
    private static final int GROUPS = VALUES / GROUP;
    private static final int SCALE_RANGE = 32;

    @Override
    public DType type() {
        return DType.IQ4_XS;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.IQ4_XS, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            for (int g = 0; g < GROUPS; g++) {
                int lower = src.get(Blocks.BYTE, block + LOWER + g / 2) >> 4 * (g % 2) & 15;
                int upper = src.get(Blocks.SHORT, block + UPPER) >> 2 * g & 3;
                float scale = d * ((lower | upper << 4) - SCALE_RANGE);
                int to = at + b * VALUES + GROUP * g;
                for (int j = 0; j < 16; j++) {
                    int pair = src.get(Blocks.BYTE, block + NIBBLES + 16 * g + j);
                    dst[to + j] = scale * Levels.of(pair & 15);
                    dst[to + 16 + j] = scale * Levels.of(pair >> 4 & 15);
                }
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, Importance importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.IQ4_XS, dst, offset, src, at, count);
        float[] weights = new float[GROUP];
        float[] scales = new float[GROUPS];
        for (int b = 0; b < blocks; b++) {
            int index = b * VALUES;
            float variance = Groups.sumOfSquares(src, at + index, VALUES) * (2f / VALUES);
            for (int g = 0; g < GROUPS; g++) {
                weigh(src, at + index + GROUP * g, importance, index + GROUP * g, variance, weights);
                scales[g] = Levels.fit(src, at + index + GROUP * g, weights);
            }
            store(src, at + index, scales, dst, offset + (long) b * BYTES);
        }
    }

    /** Squares where columns have no importances. */
    static void weigh(float[] x, int at, Importance importance, int index, float variance, float[] weights) {
        if (importance.isGiven()) {
            importance.weigh(x, at, index, variance, weights);
            return;
        }
        for (int j = 0; j < weights.length; j++) {
            weights[j] = x[at + j] * x[at + j];
        }
    }

    private static void store(float[] x, int from, float[] scales, MemorySegment dst, long block) {
        // the group with the largest scale gets the one 6-bit scale that reaches furthest, -32; values are rounded under d as it was found,
        // not as it is stored
        float d = -Groups.peak(scales, 0, GROUPS) / SCALE_RANGE;
        float inverse = d == 0 ? 0 : 1 / d;
        Blocks.putHalf(DType.IQ4_XS, d, dst, block);
        byte[] q = new byte[GROUP];
        int upper = 0;
        long lower = 0;
        for (int g = 0; g < GROUPS; g++) {
            int number = Rounding.clamped(inverse * scales[g], -SCALE_RANGE, SCALE_RANGE - 1);
            float scale = d * number;
            float inverseScale = scale == 0 ? 0 : 1 / scale;
            for (int j = 0; j < GROUP; j++) {
                q[j] = (byte) Levels.nearest(inverseScale * x[from + GROUP * g + j]);
            }
            FourBits.put(q, 0, dst, block + NIBBLES + 16 * g);
            int stored = number + SCALE_RANGE;
            upper |= stored >> 4 << 2 * g;
            lower |= (long) (stored & 15) << 4 * g;
        }
        dst.set(Blocks.SHORT, block + UPPER, (short) upper);
        dst.set(Blocks.INT, block + LOWER, (int) lower);
    }
}
