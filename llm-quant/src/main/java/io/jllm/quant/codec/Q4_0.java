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
 * 32 values of 4 bits that share a half-precision scale d: {@code value = (nibble - 8) d}. Layout: d, then 16 bytes of which byte
 * j holds value j in its low nibble and value j + 16 in its high one. The encoder maps the value of the largest magnitude,
 * with its sign, to nibble 0. With importances it
 * is {@link WeighedBlocks}. Source of both: ggml.
 */
final class Q4_0 implements Codec, Encoder {
    private static final int VALUES = 32;
    private static final int BYTES = 18;

    @Override
    public DType type() {
        return DType.Q4_0;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q4_0, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            int to = at + b * VALUES;
            for (int j = 0; j < 16; j++) {
                int pair = src.get(Blocks.BYTE, block + 2 + j);
                dst[to + j] = ((pair & 15) - 8) * d;
                dst[to + 16 + j] = ((pair >> 4 & 15) - 8) * d;
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q4_0, dst, offset, src, at, count);
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            float d = Groups.peak(src, from, VALUES) / -8;
            float inverse = d == 0 ? 0 : 1 / d;
            long block = offset + (long) b * BYTES;
            Blocks.putHalf(DType.Q4_0, d, dst, block);
            for (int j = 0; j < VALUES; j++) {
                q[j] = (byte) Math.clamp((int) (src[from + j] * inverse + 8.5f), 0, 15);
            }
            FourBits.put(q, 0, dst, block + 2);
        }
    }

    @Override
    public void encode(float[] src, int at, int count, float[] importance, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q4_0, dst, offset, src, at, count);
        WeighedBlocks.scaled(DType.Q4_0, 8, src, at, blocks, new Importance(importance), dst, offset,
                (q, to, block) -> FourBits.put(q, 0, to, block + 2));
    }
}
