package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.FiveBits;
import io.jllm.quant.codec.block.Groups;
import io.jllm.quant.codec.block.Importance;
import io.jllm.quant.codec.block.WeighedBlocks;
import java.lang.foreign.MemorySegment;

/**
 * 32 values of 5 bits that share a half-precision scale d: {@code value = (q - 16) d}. Layout: d, then the numbers q as
 * {@link FiveBits}. The encoder maps the value of the largest magnitude, with its sign, to number 0. With importances it
 * is {@link WeighedBlocks}. Source of both: ggml.
 */
final class Q5_0 implements Codec, Encoder {
    private static final int VALUES = 32;
    private static final int BYTES = 22;
    private static final int ZERO = 16;
    private static final int GREATEST = 31;

    @Override
    public DType type() {
        return DType.Q5_0;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q5_0, src, offset, dst, at, count);
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            FiveBits.get(src, block + 2, q);
            int to = at + b * VALUES;
            for (int j = 0; j < VALUES; j++) {
                dst[to + j] = (q[j] - ZERO) * d;
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q5_0, dst, offset, src, at, count);
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            float d = Groups.peak(src, from, VALUES) / -ZERO;
            float inverse = d == 0 ? 0 : 1 / d;
            long block = offset + (long) b * BYTES;
            Blocks.putHalf(DType.Q5_0, d, dst, block);
            for (int j = 0; j < VALUES; j++) {
                q[j] = (byte) Math.clamp((int) (src[from + j] * inverse + (ZERO + 0.5f)), 0, GREATEST);
            }
            FiveBits.put(q, dst, block + 2);
        }
    }

    @Override
    public void encode(float[] src, int at, int count, float[] importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q5_0, dst, offset, src, at, count);
        WeighedBlocks.scaled(DType.Q5_0, ZERO, src, at, blocks, new Importance(importance), dst, offset,
                (q, to, block) -> FiveBits.put(q, to, block + 2));
    }
}
