package io.jllm.quant.codec.eight;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;

/** Powers of two from 2<sup>-127</sup> to 2<sup>127</sup>, as scales of blocks; the last byte is no number. */
public final class F8_E8M0 implements Codec {
    private static final EightBits VALUES = new EightBits(F8_E8M0::value);

    private static float value(int bits) {
        return bits == 0xff ? Float.NaN : Math.scalb(1f, bits - 127);
    }

    @Override
    public DType type() {
        return DType.F8_E8M0;
    }

    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        VALUES.decode(src, offset, dst, at, count);
    }
}
