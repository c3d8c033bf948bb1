package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import java.lang.foreign.MemorySegment;

/**
 * 32 values of 4 bits that share a half-precision scale d: {@code value = (nibble - 8) d}. Layout: d, then 16 bytes of which byte
 * j holds value j in its low nibble and value j + 16 in its high one. The encoder maps the value of the largest magnitude,
 * with its sign, to nibble 0. Source of both: ggml.
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
        for (int b = 0; b < blocks; b++) {
            int from = at + b * VALUES;
            float d = Groups.peak(src, from, VALUES) / -8;
            float inverse = d == 0 ? 0 : 1 / d;
            long block = offset + (long) b * BYTES;
            Blocks.putHalf(DType.Q4_0, d, dst, block);
            for (int j = 0; j < 16; j++) {
                int low = nibble(src[from + j] * inverse);
                int high = nibble(src[from + 16 + j] * inverse);
                dst.set(Blocks.BYTE, block + 2 + j, (byte) (low | high << 4));
            }
        }
    }

    private static int nibble(float scaled) {
        return Math.clamp((int) (scaled + 8.5f), 0, 15);
    }
}
