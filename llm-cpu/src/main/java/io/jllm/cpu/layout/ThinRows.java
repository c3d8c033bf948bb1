package io.jllm.cpu.layout;

import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A matrix of few rows, which is read once for a token or some: the first of two of low rank. Numbers take two bytes each where that holds all
 * of them exactly, and else four. Four rows lie together, run after run of {@value #RUN} columns, one row's part of a run behind the other's:
 * all is one stream. In BF16, number i of a run shares an int with number i + 16, which is the upper one. What is behind the last row or column
 * is 0.
 *
 * @param numbers what they are
 * @param rows without those that fill the last group
 * @param cols without those that fill the last run
 */
public record ThinRows(MemorySegment data, Floats numbers, int rows, int cols) {
    /** Rows that are multiplied together. */
    public static final int GROUP = 4;
    /** Columns that lie together. */
    public static final int RUN = 32;
    private static final int HALF_RUN = RUN / 2;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** A number in half precision of so many bits has no exponent of ones. */
    private static final int FINITE_HALF = 0x7c00;

    /** A copy of weights. */
    public static ThinRows of(Weights w, SegmentAllocator memory) {
        int rows = Math.toIntExact(w.rows());
        int cols = Math.toIntExact(w.cols());
        Floats numbers = smallest(w);
        MemorySegment data = memory.allocate((long) whole(rows) * Math.ceilDiv(cols, RUN) * RUN * numbers.bytes(), WeightFormat.VECTOR)
                .fill((byte) 0);
        var to = new ThinRows(data, numbers, rows, cols);
        var row = new float[cols];
        for (int r = 0; r < rows; r++) {
            w.decode(r, 1, row, 0);
            for (int c = 0; c < cols; c++) {
                put(numbers, row[c], data, to.place(r, c));
            }
        }
        return to;
    }

    /** So many rows in whole groups. */
    public static int whole(int rows) {
        return Math.ceilDiv(rows, GROUP) * GROUP;
    }

    /** The fewest bytes that hold all weights exactly. */
    static Floats smallest(Weights w) {
        boolean brains = true;
        boolean halves = true;
        var row = new float[Math.toIntExact(w.cols())];
        for (long r = 0; r < w.rows() && (brains || halves); r++) {
            w.decode(r, 1, row, 0);
            for (float x : row) {
                int bits = Float.floatToRawIntBits(x);
                short half = Float.floatToFloat16(x);
                brains &= (bits & 0xffff) == 0;
                halves &= (half & FINITE_HALF) != FINITE_HALF && Float.floatToRawIntBits(Float.float16ToFloat(half)) == bits;
            }
        }
        return brains ? Floats.BF16 : halves ? Floats.F16 : Floats.F32;
    }

    /** Stores a number. */
    static void put(Floats numbers, float x, MemorySegment to, long at) {
        switch (numbers) {
            case F16 -> to.set(SHORT, at, Float.floatToFloat16(x));
            case BF16 -> to.set(SHORT, at, (short) (Float.floatToRawIntBits(x) >>> Short.SIZE));
            case F32 -> to.set(Rows.FLOAT, at, x);
        }
    }

    /** Reads one. */
    static float get(Floats numbers, MemorySegment from, long at) {
        return switch (numbers) {
            case F16 -> Float.float16ToFloat(from.get(SHORT, at));
            case BF16 -> Float.intBitsToFloat(from.get(SHORT, at) << Short.SIZE);
            case F32 -> from.get(Rows.FLOAT, at);
        };
    }

    private long place(int row, int column) {
        int i = column % RUN;
        long run = at(row, column / RUN);
        return numbers == Floats.BF16 ? run + i % HALF_RUN * Integer.BYTES + i / HALF_RUN * Short.BYTES : run + (long) i * numbers.bytes();
    }

    /** Where a run of a row begins. */
    public long at(int row, int run) {
        return (((long) row / GROUP * Math.ceilDiv(cols, RUN) + run) * GROUP + row % GROUP) * runBytes();
    }

    /** Bytes of a run of a row. */
    public int runBytes() {
        return RUN * numbers.bytes();
    }

    /** A weight. */
    public float get(int row, int column) {
        return get(numbers, data, place(row, column));
    }
}
