package io.jllm.cpu.layout;

import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * A matrix of few columns: the second of two of low rank, with numbers as {@link ThinRows} have them. Rows lie in groups of {@value #GROUP}, a
 * column or two in a cache line: 16 floats; or in BF16 16 pairs, of which the upper ones are the second column; or in F16 16 numbers of each.
 * What is behind the last row or column is 0.
 *
 * @param numbers what they are
 * @param rows without those that fill the last group
 * @param cols the rank
 */
public record ThinColumns(MemorySegment data, Floats numbers, int rows, int cols) {
    /** Rows of a group. */
    public static final int GROUP = WeightFormat.ROWS;

    /** A copy of weights. */
    public static ThinColumns of(Weights w, SegmentAllocator memory) {
        int rows = Math.toIntExact(w.rows());
        int cols = Math.toIntExact(w.cols());
        Floats numbers = ThinRows.smallest(w);
        MemorySegment data = memory.allocate(Math.ceilDiv(rows, GROUP) * groupBytes(numbers, cols), WeightFormat.VECTOR).fill((byte) 0);
        var to = new ThinColumns(data, numbers, rows, cols);
        var row = new float[cols];
        for (int r = 0; r < rows; r++) {
            w.decode(r, 1, row, 0);
            for (int c = 0; c < cols; c++) {
                ThinRows.put(numbers, row[c], data, to.place(r, c));
            }
        }
        return to;
    }

    private static long groupBytes(Floats numbers, int cols) {
        return (long) lines(numbers, cols) * WeightFormat.VECTOR;
    }

    private static int lines(Floats numbers, int cols) {
        return Math.ceilDiv(cols * numbers.bytes(), Float.BYTES);
    }

    /** Cache lines of a group. */
    public int lines() {
        return lines(numbers, cols);
    }

    /** Where a group begins, in bytes. */
    public long group(int number) {
        return number * groupBytes(numbers, cols);
    }

    private long place(int row, int column) {
        long group = group(row / GROUP);
        int r = row % GROUP;
        return switch (numbers) {
            case F32, F16 -> group + ((long) column * GROUP + r) * numbers.bytes();
            case BF16 -> group + (long) column / 2 * WeightFormat.VECTOR + r * Integer.BYTES + column % 2 * Short.BYTES;
        };
    }

    /** A weight. */
    public float get(int row, int column) {
        return ThinRows.get(numbers, data, place(row, column));
    }
}
