package io.jllm.quant.codec.grid;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.FourBits;
import io.jllm.quant.codec.block.Groups;
import io.jllm.quant.codec.block.Importance;
import io.jllm.quant.codec.block.WeighedEncoder;
import java.lang.foreign.MemorySegment;

/**
 * 32 values that share a half-precision scale d: {@code value = d level}, of 16 {@link Levels}. Layout: d, then 16 bytes of nibbles as {@link
 * FourBits}. Source of codec and encoder: ggml.
 */
public final class IQ4_NL implements Codec, WeighedEncoder {
    private static final int VALUES = 32;
    private static final int BYTES = 18;

    @Override
    public DType type() {
        return DType.IQ4_NL;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.IQ4_NL, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            int to = at + b * VALUES;
            for (int j = 0; j < 16; j++) {
                int pair = src.get(Blocks.BYTE, block + 2 + j);
                dst[to + j] = d * Levels.of(pair & 15);
                dst[to + 16 + j] = d * Levels.of(pair >> 4 & 15);
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, Importance importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.IQ4_NL, dst, offset, src, at, count);
        float[] weights = new float[VALUES];
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            int index = b * VALUES;
            int from = at + index;
            IQ4_XS.weigh(src, from, importance, index, Groups.sumOfSquares(src, from, VALUES) * (2f / VALUES), weights);
            float d = Levels.fit(src, from, weights);
            float inverse = d == 0 ? 0 : 1 / d;
            for (int j = 0; j < VALUES; j++) {
                q[j] = (byte) Levels.nearest(inverse * src[from + j]);
            }
            long block = offset + (long) b * BYTES;
            Blocks.putHalf(DType.IQ4_NL, d, dst, block);
            FourBits.put(q, 0, dst, block + 2);
        }
    }
}
