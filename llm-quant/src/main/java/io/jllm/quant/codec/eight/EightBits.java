package io.jllm.quant.codec.eight;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.function.IntFunction;

/** The values of all 256 bytes of a format. */
final class EightBits {
    private final float[] values = new float[256];

    EightBits(IntFunction<Float> value) {
        for (int i = 0; i < values.length; i++) {
            values[i] = value.apply(i);
        }
    }

    /**
     * A number of a sign bit, an exponent and a mantissa, by the rules of IEEE 754 but for what its largest exponent means: here it is one
     * like the others.
     *
     * @param bits the byte
     * @param mantissaBits width of the mantissa; the exponent has the other seven
     */
    static float number(int bits, int mantissaBits) {
        int exponentBits = 7 - mantissaBits;
        int bias = (1 << exponentBits - 1) - 1;
        int exponent = bits >> mantissaBits & (1 << exponentBits) - 1;
        int mantissa = bits & (1 << mantissaBits) - 1;
        float size = exponent == 0 ? Math.scalb((float) mantissa, 1 - bias - mantissaBits)
                : Math.scalb((float) (mantissa | 1 << mantissaBits), exponent - bias - mantissaBits);
        return bits >= 0x80 ? -size : size;
    }

    void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        Objects.checkFromIndexSize(at, count, dst.length);
        Objects.checkFromIndexSize(offset, count, src.byteSize());
        for (int i = 0; i < count; i++) {
            dst[at + i] = values[src.get(ValueLayout.JAVA_BYTE, offset + i) & 0xff];
        }
    }
}
