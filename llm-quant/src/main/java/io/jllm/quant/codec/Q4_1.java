package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.FourBits;
import io.jllm.quant.codec.block.Groups;
import io.jllm.quant.codec.block.Importance;
import io.jllm.quant.codec.block.WeighedBlocks;
import java.lang.foreign.MemorySegment;

/**
 * 32 values of 4 bits that share a scale d and a minimum m in half precision: {@code value = nibble d + m}. Layout: d, m, then 16
 * bytes of nibbles as {@link Q4_0} has them. The encoder lays the nibbles evenly from the least value to the greatest. With importances
 * it is {@link WeighedBlocks}. Source of both: ggml.
 */
final class Q4_1 implements Codec, Encoder {
    private static final int VALUES = 32;
    private static final int BYTES = 20;
    private static final int GREATEST = 15;

    @Override
    public DType type() {
        return DType.Q4_1;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q4_1, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            float m = Blocks.half(src, block + 2);
            int to = at + b * VALUES;
            for (int j = 0; j < 16; j++) {
                int pair = src.get(Blocks.BYTE, block + 4 + j);
                dst[to + j] = (pair & 15) * d + m;
                dst[to + 16 + j] = (pair >> 4 & 15) * d + m;
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q4_1, dst, offset, src, at, count);
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            Groups.spread(DType.Q4_1, GREATEST, src, at + b * VALUES, q, dst, block);
            FourBits.put(q, 0, dst, block + 4);
        }
    }

    @Override
    public void encode(float[] src, int at, int count, float[] importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q4_1, dst, offset, src, at, count);
        WeighedBlocks.ranged(DType.Q4_1, GREATEST, src, at, blocks, new Importance(importance), dst, offset,
                (q, to, block) -> FourBits.put(q, 0, to, block + 4));
    }
}
