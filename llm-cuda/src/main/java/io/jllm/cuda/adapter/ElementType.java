package io.jllm.cuda.adapter;

import io.jllm.quant.DType;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** A type of numbers of adapters on the device, in the order in which kernels number them. */
enum ElementType {
    F32, F16, BF16;

    /** Bytes that kernels read at once: rows begin at multiples of that. */
    static final int LANE_BYTES = 16;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BF16_SHIFT = 16;

    /** In which all values of a matrix are as they are. */
    static ElementType exact(Weights w) {
        return w.stored().map(t -> t == DType.F16 ? F16 : t == DType.BF16 ? BF16 : F32).orElse(F32);
    }

    int bytes() {
        return this == F32 ? Float.BYTES : Short.BYTES;
    }

    /** Numbers that kernels read at once. */
    int lanes() {
        return LANE_BYTES / bytes();
    }

    /** Bytes from a row of so many numbers to the next. */
    long pitch(int cols) {
        return (long) Math.ceilDiv(cols, lanes()) * LANE_BYTES;
    }

    void set(MemorySegment to, long at, float x) {
        switch (this) {
            case F32 -> to.set(FLOAT, at, x);
            case F16 -> to.set(SHORT, at, Float.floatToFloat16(x));
            case BF16 -> to.set(SHORT, at, (short) (Float.floatToRawIntBits(x) >>> BF16_SHIFT)); // of numbers that were of this type
        }
    }
}
