package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Rows of floats, one after the other, outside the heap.
 *
 * @param data native or mapped memory, never a heap array: vector loads stay monomorphic
 * @param at where row 0 starts, in bytes
 * @param width floats a row
 */
public record Rows(MemorySegment data, long at, int width) {
    /** How floats are stored everywhere in this backend. */
    public static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Writes so many zeros. A slice to fill would be an object each time, unless the compiler inlines all of it, and it does not always. */
    public static void clear(MemorySegment data, long at, int count) {
        for (int i = 0; i < count; i++) {
            data.set(FLOAT, at + (long) i * Float.BYTES, 0);
        }
    }

    /** Where row {@code i} starts, in bytes. */
    public long row(int i) {
        return at + (long) i * width * Float.BYTES;
    }
}
