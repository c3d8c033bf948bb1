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
 * 32 values of 5 bits that share a scale d and a minimum m in half precision: {@code value = q d + m}. Layout: d, m, then the
 * numbers q as {@link FiveBits}. The encoder lays them evenly from the least value to the greatest. With importances it
 * is {@link WeighedBlocks}. Source of both: ggml.
 */
final class Q5_1 implements Codec, Encoder {
    private static final int VALUES = 32;
    private static final int BYTES = 24;
    private static final int GREATEST = 31;

    @Override
    public DType type() {
        return DType.Q5_1;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q5_1, src, offset, dst, at, count);
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            float m = Blocks.half(src, block + 2);
            FiveBits.get(src, block + 4, q);
            int to = at + b * VALUES;
            for (int j = 0; j < VALUES; j++) {
                dst[to + j] = q[j] * d + m;
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q5_1, dst, offset, src, at, count);
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            Groups.spread(DType.Q5_1, GREATEST, src, at + b * VALUES, q, dst, block);
            FiveBits.put(q, dst, block + 4);
        }
    }

    @Override
    public void encode(float[] src, int at, int count, float[] importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q5_1, dst, offset, src, at, count);
        WeighedBlocks.ranged(DType.Q5_1, GREATEST, src, at, blocks, new Importance(importance), dst, offset,
                (q, to, block) -> FiveBits.put(q, to, block + 4));
    }
}
