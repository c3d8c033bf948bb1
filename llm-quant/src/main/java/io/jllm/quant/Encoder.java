package io.jllm.quant;

import io.jllm.quant.codec.Codecs;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Writes floats in one storage format: the quantiser of that format. Stateless and thread-safe. */
public interface Encoder {
    /** The format. */
    DType type();

    /**
     * Encodes {@code count} values.
     *
     * @param src the values, finite
     * @param at index of the first value in {@code src}
     * @param count number of values, whole blocks
     * @param dst receives the bytes, little-endian
     * @param offset where the first block goes, in bytes
     * @throws IndexOutOfBoundsException if either range is not there
     * @throws IllegalArgumentException if the values do not fill whole blocks, or one of them is beyond what the format can hold
     *     (infinities and NaN fit the plain formats only); what was written before it stays
     */
    void encode(float[] src, int at, int count, MemorySegment dst, long offset);

    /**
     * Encodes whole rows whose columns matter differently: where there is a choice of scales, errors of a column count as much as its importance
     * says. Formats without a choice take no notice.
     *
     * @param src the values, finite
     * @param at index of the first value in {@code src}, which starts a row
     * @param count number of values, whole rows
     * @param importance one number for each column of a row, in whole blocks; finite, 0 or more
     * @param dst receives the bytes, little-endian
     * @param offset where the first block goes, in bytes
     * @throws IndexOutOfBoundsException if either range is not there
     * @throws IllegalArgumentException as {@link #encode(float[], int, int, MemorySegment, long)}
     */
    default void encode(float[] src, int at, int count, float[] importance, MemorySegment dst, long offset) {
        encode(src, at, count, dst, offset);
    }

    /** The encoder of a type; empty for types that can only be read. */
    static Optional<Encoder> of(DType type) {
        return Codecs.findEncoder(type);
    }
}
