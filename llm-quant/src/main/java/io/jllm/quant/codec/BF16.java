package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/** The upper 16 bits of single precision, rounded to the nearest and, between two, to the even one. */
final class BF16 implements Codec, Encoder {
    @Override
    public DType type() {
        return DType.BF16;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        Blocks.check(DType.BF16, src, offset, dst, at, count);
        for (int i = 0; i < count; i++) {
            dst[at + i] = Float.intBitsToFloat(src.get(Blocks.SHORT, offset + 2L * i) << 16);
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        Blocks.check(DType.BF16, dst, offset, src, at, count);
        for (int i = 0; i < count; i++) {
            dst.set(Blocks.SHORT, offset + 2L * i, (short) round(src[at + i]));
        }
    }

    private static int round(float x) {
        int bits = Float.floatToRawIntBits(x);
        if (Float.isNaN(x)) {
            return bits >>> 16 | 0x40; // adding the rounding term could carry a NaN into an infinity
        }
        return bits + 0x7fff + (bits >>> 16 & 1) >>> 16;
    }
}
