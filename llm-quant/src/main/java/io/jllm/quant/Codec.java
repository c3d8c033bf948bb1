package io.jllm.quant;

import io.jllm.quant.codec.Codecs;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Reads one storage format into floats. Stateless and thread-safe. The scalar code behind it is the specification of the
 * format: every faster kernel is tested against it.
 */
public interface Codec extends RowReader {
    /** The format. */
    DType type();

    /**
     * Decodes {@code count} values that start {@code offset} bytes into {@code src}.
     *
     * @param src the stored bytes, little-endian, of any alignment
     * @param offset where the first block starts, in bytes
     * @param dst receives the values
     * @param at index of the first value in {@code dst}
     * @param count number of values, whole blocks
     * @throws IndexOutOfBoundsException if either range is not there; nothing is written then
     * @throws IllegalArgumentException if the values do not fill whole blocks
     */
    @Override
    void decode(MemorySegment src, long offset, float[] dst, int at, int count);

    /**
     * The points that the format's stored numbers stand for, in order, each of 4 or 8 whole numbers that a scale and signs make values; none
     * for formats without such a grid. For those that look values up by themselves.
     */
    default byte[] grid() {
        return new byte[0];
    }

    /**
     * What the format's stored numbers stand for, times a scale, where they are places in a table of floats; none for other formats. For those that
     * look values up by themselves.
     */
    default float[] table() {
        return new float[0];
    }

    /** The codec of a type; empty for types that are only known by size. */
    static Optional<Codec> of(DType type) {
        return Codecs.find(type);
    }
}
