package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Rows that {@link Assembled} weights have from one place: those of a tensor as they are, or made of stored values when they are read. All
 * are of one type and as long. Safe for use by many threads.
 */
public interface Part {
    /** Storage type of what is read. */
    DType type();

    /** Number of rows. */
    long rows();

    /** Values a row, in whole blocks. */
    long cols();

    /**
     * Writes some rows, one after another, as {@link Weights} says.
     *
     * @param row the first row
     * @param count rows, which are there
     * @param to receives them from its start on
     */
    void read(long row, long count, MemorySegment to);

    /** What {@link Weights#sources} says; nothing by default. */
    default List<MemorySegment> sources() {
        return List.of();
    }

    /**
     * Rows {@code start} (inclusive) to {@code end} (exclusive), without a copy.
     *
     * @throws IllegalArgumentException if there are no such rows
     */
    default Part rows(long start, long end) {
        return new PartOfRows(this, start, end);
    }

    /** Some rows where they are, if they are stored so: by default they are not. */
    default Optional<MemorySegment> slice(long row, long count) {
        return Optional.empty();
    }
}
