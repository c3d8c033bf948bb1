package io.jllm.quant.safetensors;

import io.jllm.quant.Tensor;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Numbers of tensors, one by one. */
final class StoredNumbers {
    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private StoredNumbers() {
    }

    /** All numbers of a tensor of integers of 32 bits. */
    static int[] integers(Tensor t) {
        return t.data().toArray(INT);
    }

    /** Number {@code index} of a tensor of plain floats. */
    static float number(Tensor t, long index) {
        return switch (t.type()) {
            case F16 -> Float.float16ToFloat(t.data().get(SHORT, index * Short.BYTES));
            case BF16 -> Float.intBitsToFloat(t.data().get(SHORT, index * Short.BYTES) << Short.SIZE);
            case F32 -> Float.intBitsToFloat(t.data().get(INT, index * Float.BYTES));
            default -> throw new IllegalArgumentException("tensor " + t.name() + " is stored as " + t.type() + ", not as floats");
        };
    }
}
