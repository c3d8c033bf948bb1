package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * A named, read-only matrix of weights, however it is stored: what a backend loads. Rows are outputs, columns inputs. It never owns memory: the
 * {@link WeightSource} does, and this is invalid once that is closed. Safe for use by many threads.
 *
 * <p>{@link #decode} is the oracle of its values. Backends that compute with it as it is stored ask what it is (a switch over the permitted
 * types is exhaustive, so another kind of storage does not compile until each backend reads or refuses it) and take whole rows: where they
 * are with {@link #slice}, or copied with {@link #read}.
 *
 * <p><b>Row layout.</b> Rows follow each other without a gap, {@link #rowBytes} each. A row of a {@link Tensor} is {@code cols} values, or the
 * blocks that hold them, little-endian, in the order of columns, as {@link DType} and {@link Codec} say; a row of {@link Grouped} ones is as their
 * {@link Grouping} says.
 */
public sealed interface Weights permits Tensor, Assembled, Grouped {
    /** The name under which it was found. */
    String name();

    /** Number of rows; 1 for a vector. */
    long rows();

    /** Values a row. */
    long cols();

    /** The type of its values or blocks; empty if its rows are of no such type. */
    Optional<DType> stored();

    /** How it is stored, for people. */
    String format();

    /** Bytes that it takes as it is stored. */
    long bytes();

    /** Bytes of a row in the row layout. */
    long rowBytes();

    /**
     * The values of some rows as floats, row after row.
     *
     * @param row the first row
     * @param count rows
     * @param to receives {@code count * cols} floats
     * @param at index of the first one there
     * @throws IndexOutOfBoundsException if there are no such rows, or no room for them
     * @throws IllegalArgumentException if its values cannot be read in this version
     */
    void decode(long row, int count, float[] to, int at);

    /**
     * Copies some rows in the row layout.
     *
     * @param row the first row
     * @param count rows
     * @param to receives {@code count * rowBytes} bytes from its start on
     * @throws IndexOutOfBoundsException if there are no such rows, or no room for them
     */
    void read(long row, long count, MemorySegment to);

    /**
     * Some rows in the row layout where they are, without a copy; empty if they are not stored so, and must be read.
     *
     * @throws IndexOutOfBoundsException if there are no such rows
     */
    Optional<MemorySegment> slice(long row, long count);

    /**
     * The memory that it is made of when it is read, all of what it looks at there: once it is rearranged, pages of files are not needed any longer.
     * Small things may be left out.
     */
    List<MemorySegment> sources();

    /**
     * The same as a plain tensor, for callers that know of nothing else. What is stored in pieces is copied each time.
     *
     * @throws IllegalArgumentException if it is packed in groups
     */
    default Tensor plain() {
        return switch (this) {
            case Tensor t -> t;
            case Assembled a -> a.copied();
            case Grouped g -> throw g.notPlain();
        };
    }

    /** The same under another name, without a copy. */
    Weights named(String newName);
}
