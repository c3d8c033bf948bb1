package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import io.jllm.quant.codec.block.Groups;
import io.jllm.quant.codec.block.TwoBits;
import java.lang.foreign.MemorySegment;

/**
 * 256 values of -1, 0 and 1 times d: {@code value = (q - 1) d}. Layout: 64 bytes of {@link TwoBits}, d in half precision. The encoder takes the
 * largest magnitude as d, and rounds halves away from zero. Source of both: ggml.
 */
final class TQ2_0 implements Codec, Encoder {
    private static final int VALUES = 256;
    private static final int BYTES = 66;
    private static final int SCALE = 64;

    @Override
    public DType type() {
        return DType.TQ2_0;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.TQ2_0, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block + SCALE);
            for (int run = 0; run < VALUES / 32; run++) {
                long numbers = block + run / 4 * 32;
                int to = at + b * VALUES + 32 * run;
                for (int j = 0; j < 32; j++) {
                    dst[to + j] = ((src.get(Blocks.BYTE, numbers + j) >> 2 * (run % 4) & 3) - 1) * d;
                }
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.TQ2_0, dst, offset, src, at, count);
        byte[] q = new byte[VALUES];
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            long block = offset + (long) b * BYTES;
            float d = Math.abs(Groups.peak(src, from, VALUES));
            float inverse = d == 0 ? 0 : 1 / d;
            Blocks.putHalf(DType.TQ2_0, d, dst, block + SCALE);
            for (int j = 0; j < VALUES; j++) {
                q[j] = (byte) digit(src[from + j] * inverse);
            }
            TwoBits.put(q, dst, block);
        }
    }

    /** 0, 1 or 2 for a value from -1 to 1. */
    static int digit(float scaled) {
        return scaled >= 0.5f ? 2 : scaled <= -0.5f ? 0 : 1;
    }
}
