package io.jllm.cpu.layout;

import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A matrix of few rows, which is read once for a token or some: the first of two of low rank. Numbers take two bytes each where that holds all
 * of them exactly, and else four. Rows begin with cache lines, and so many zeros follow that there are whole groups of {@value #GROUP}. A row
 * has runs of {@value #RUN} columns; where numbers are halves, number i of a run shares an int with number i + 16, which is the upper one.
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
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** A number in half precision of so many bits has no exponent of ones. */
    private static final int FINITE_HALF = 0x7c00;

    /** A copy of weights. */
    public static ThinRows of(Weights w, SegmentAllocator memory) {
        int rows = Math.toIntExact(w.rows());
        int cols = Math.toIntExact(w.cols());
        Floats numbers = smallest(w);
        long stride = stride(numbers, cols);
        MemorySegment data = memory.allocate(whole(rows) * stride, WeightFormat.VECTOR).fill((byte) 0);
        var row = new float[cols];
        for (int r = 0; r < rows; r++) {
            w.decode(r, 1, row, 0);
            for (int c = 0; c < cols; c++) {
                put(numbers, row[c], data, r * stride + place(numbers, c));
            }
        }
        return new ThinRows(data, numbers, rows, cols);
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

    /** An odd number of cache lines: else rows would fall into the same few places of the first cache. */
    private static long stride(Floats numbers, int cols) {
        return (Math.ceilDiv((long) cols, RUN) * RUN * numbers.bytes() / WeightFormat.VECTOR | 1) * WeightFormat.VECTOR;
    }

    private static long place(Floats numbers, int column) {
        return switch (numbers) {
            case F32 -> (long) column * Float.BYTES;
            case F16, BF16 -> (long) column / RUN * RUN * Short.BYTES + column % 16 * Integer.BYTES + column % RUN / 16 * Short.BYTES;
        };
    }

    /** Bytes from row to row. */
    public long stride() {
        return stride(numbers, cols);
    }

    /** A weight. */
    public float get(int row, int column) {
        return get(numbers, data, row * stride() + place(numbers, column));
    }
}
