package io.jllm.quant;

import java.lang.foreign.MemorySegment;

/** Reads rows of weights as they are stored into floats: a {@link Codec}, or what only some weights have ({@link Grouping}). Thread-safe. */
@FunctionalInterface
public interface RowReader {
    /**
     * Decodes {@code count} values that start {@code offset} bytes into {@code src}.
     *
     * @param src the stored bytes, little-endian, of any alignment
     * @param offset where they start, in bytes
     * @param dst receives the values
     * @param at index of the first value in {@code dst}
     * @param count number of values: a row, or less where values stand in blocks of fewer
     * @throws IndexOutOfBoundsException if either range is not there
     * @throws IllegalArgumentException if the values are not so many as stand together
     */
    void decode(MemorySegment src, long offset, float[] dst, int at, int count);
}
