package io.jllm.quant.codec.block;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/** What all codecs share: little-endian access at any alignment, and the checks before their loops. */
public final class Blocks {
    public static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    public static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    public static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    public static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    public static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Blocks() {
    }

    /** Checks both ranges of a decode or encode once, so that no loop stops half-way; returns the number of blocks. */
    public static int check(DType type, MemorySegment stored, long offset, float[] values, int at, int count) {
        Objects.checkFromIndexSize(at, count, values.length);
        Objects.checkFromIndexSize(offset, type.bytes(count), stored.byteSize());
        return count / type.blockElements();
    }

    /** {@link #check} for encoders of blocks, which share a scale that one value without a magnitude would spoil. */
    public static int checkFinite(DType type, MemorySegment stored, long offset, float[] values, int at, int count) {
        int blocks = check(type, stored, offset, values, at, count);
        for (int i = at; i < at + count; i++) {
            if (!Float.isFinite(values[i])) {
                throw new IllegalArgumentException("value " + values[i] + " at index " + (i - at) + " cannot be stored as " + type
                        + ": only finite values can");
            }
        }
        return blocks;
    }

    /** The half-precision float at an offset. */
    public static float half(MemorySegment src, long offset) {
        return Float.float16ToFloat(src.get(SHORT, offset));
    }

    /** Stores a block's scale or minimum in half precision, or refuses one that is out of its range; returns it as it will be read. */
    public static float putHalf(DType type, float value, MemorySegment dst, long offset) {
        short bits = Float.floatToFloat16(value);
        float stored = Float.float16ToFloat(bits);
        if (!Float.isFinite(stored)) {
            throw new IllegalArgumentException("a block needs " + value + " as its scale or minimum, and " + type
                    + " holds numbers up to 65504 there: its values are too large");
        }
        dst.set(SHORT, offset, bits);
        return stored;
    }
}
