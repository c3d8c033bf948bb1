package io.jllm.quant.codec.eight;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;

/** Four bits of exponent, three of mantissa: up to 448, without infinities (PyTorch calls it float8_e4m3fn). */
public final class F8_E4M3 implements Codec {
    private static final EightBits VALUES = new EightBits(F8_E4M3::value);

    private static float value(int bits) {
        return (bits & 0x7f) == 0x7f ? Float.NaN : EightBits.number(bits, 3);
    }

    @Override
    public DType type() {
        return DType.F8_E4M3;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        VALUES.decode(src, offset, dst, at, count);
    }
}
