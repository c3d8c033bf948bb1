package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/**
 * 32 values of 8 bits that share a half-precision scale d: {@code value = q d}. Layout: d, then 32 signed bytes. The encoder maps
 * the largest magnitude to 127 and rounds halves away from zero. Source of both: ggml.
 */
final class Q8_0 implements Codec, Encoder {
    private static final int VALUES = 32;
    private static final int BYTES = 34;

    @Override
    public DType type() {
        return DType.Q8_0;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        int blocks = Blocks.check(DType.Q8_0, src, offset, dst, at, count);
        for (int b = 0; b < blocks; b++) {
            long block = offset + (long) b * BYTES;
            float d = Blocks.half(src, block);
            int to = at + b * VALUES;
            for (int j = 0; j < VALUES; j++) {
                dst[to + j] = src.get(Blocks.BYTE, block + 2 + j) * d;
            }
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        int blocks = Blocks.checkFinite(DType.Q8_0, dst, offset, src, at, count);
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            float peak = 0;
            for (int j = 0; j < VALUES; j++) {
                peak = Math.max(peak, Math.abs(src[from + j]));
            }
            float d = peak / 127;
            float inverse = d == 0 ? 0 : 1 / d;
            long block = offset + (long) b * BYTES;
            Blocks.putHalf(DType.Q8_0, d, dst, block);
            for (int j = 0; j < VALUES; j++) {
                dst.set(Blocks.BYTE, block + 2 + j, (byte) Math.clamp(round(src[from + j] * inverse), -127, 127));
            }
        }
    }

    /** Halves away from zero; the fraction is exact, which adding a half before cutting would not be. */
    private static int round(float x) {
        int whole = (int) x;
        float fraction = x - whole;
        return fraction >= 0.5f ? whole + 1 : fraction <= -0.5f ? whole - 1 : whole;
    }
}
