package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.codec.block.Blocks;
import java.lang.foreign.MemorySegment;

/** IEEE half precision, rounded to the nearest and, between two, to the even one. */
final class F16 implements Codec, Encoder {
    @Override
    public DType type() {
        return DType.F16;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        Blocks.check(DType.F16, src, offset, dst, at, count);
        for (int i = 0; i < count; i++) {
            dst[at + i] = Float.float16ToFloat(src.get(Blocks.SHORT, offset + 2L * i));
        }
    }

    @Override
    public void encode(float[] src, int at, int count, MemorySegment dst, long offset) {
        Blocks.check(DType.F16, dst, offset, src, at, count);
        for (int i = 0; i < count; i++) {
            float x = src[at + i];
            short bits = Float.floatToFloat16(x);
            if ((bits & 0x7fff) == 0x7c00 && Float.isFinite(x)) {
                throw new IllegalArgumentException("value " + x + " at index " + i
                        + " is beyond F16, which ends at 65504: store it as F32 or BF16");
            }
            dst.set(Blocks.SHORT, offset + 2L * i, bits);
        }
    }
}
