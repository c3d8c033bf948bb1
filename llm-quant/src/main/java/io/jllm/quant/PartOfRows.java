package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Some rows of a part, from {@code start} (inclusive) to {@code end} (exclusive). */
record PartOfRows(Part all, long start, long end) implements Part {
    PartOfRows {
        if (start < 0 || end > all.rows() || start >= end) {
            throw new IllegalArgumentException("rows " + start + " to " + end + " of " + all.rows());
        }
    }

    @Override
    public DType type() {
        return all.type();
    }

    @Override
    public long rows() {
        return end - start;
    }

    @Override
    public long cols() {
        return all.cols();
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows());
        all.read(start + row, count, to);
    }

    @Override
    public List<MemorySegment> sources() {
        return all.sources();
    }

    @Override
    public Optional<MemorySegment> slice(long row, long count) {
        Objects.checkFromIndexSize(row, count, rows());
        return all.slice(start + row, count);
    }
}
