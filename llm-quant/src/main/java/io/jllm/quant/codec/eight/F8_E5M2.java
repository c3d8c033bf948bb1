package io.jllm.quant.codec.eight;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;

/** Five bits of exponent, two of mantissa: the upper half of half precision, up to 57,344. */
public final class F8_E5M2 implements Codec {
    private static final EightBits VALUES = new EightBits(F8_E5M2::value);

    private static float value(int bits) {
        return Float.float16ToFloat((short) (bits << 8));
    }

    @Override
    public DType type() {
        return DType.F8_E5M2;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        VALUES.decode(src, offset, dst, at, count);
    }
}
