package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;

/**
 * A matrix whose values stand at equal distances in a tensor of floats: one that is stored with inputs as rows, or of which only every other
 * row or column is meant.
 *
 * @param source where they are; of a type without blocks
 * @param first the place of the first value, counted in values, row after row
 * @param rows rows of the matrix
 * @param rowStep values from a row's first value to that of the next
 * @param cols values a row
 * @param colStep values from one value of a row to the next
 */
public record Strided(Tensor source, long first, long rows, long rowStep, long cols, long colStep) implements Part {
    /** Checks that all values are there. */
    public Strided {
        if (source.type().isQuantized()) {
            throw new IllegalArgumentException("tensor " + source.name() + " is stored as " + source.type()
                    + ", whose values stand in blocks: it cannot be taken apart");
        }
        long last = first + Math.multiplyExact(rows - 1, rowStep) + Math.multiplyExact(cols - 1, colStep);
        if (first < 0 || rows < 1 || cols < 1 || rowStep < 1 || colStep < 1 || last >= source.rows() * source.cols()) {
            throw new IllegalArgumentException("tensor " + source.name() + " of " + source.rows() + " x " + source.cols() + " has no " + rows
                    + " x " + cols + " values from " + first + " on in steps of " + rowStep + " and " + colStep);
        }
    }

    @Override
    public DType type() {
        return source.type();
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(source.data());
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows);
        // along the shorter step, so that what is read stands together
        if (rowStep < colStep) {
            for (long c = 0; c < cols; c++) {
                for (long r = 0; r < count; r++) {
                    copy(row + r, c, to, r * cols + c);
                }
            }
        } else {
            for (long r = 0; r < count; r++) {
                for (long c = 0; c < cols; c++) {
                    copy(row + r, c, to, r * cols + c);
                }
            }
        }
    }

    private void copy(long row, long col, MemorySegment to, long at) {
        long from = first + row * rowStep + col * colStep;
        switch (source.type().blockBytes()) {
            case 2 -> to.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, source.data().get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * from));
            case 4 -> to.set(ValueLayout.JAVA_INT_UNALIGNED, 4 * at, source.data().get(ValueLayout.JAVA_INT_UNALIGNED, 4 * from));
            default -> {
                long bytes = source.type().blockBytes();
                MemorySegment.copy(source.data(), bytes * from, to, bytes * at, bytes);
            }
        }
    }
}
