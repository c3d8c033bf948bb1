package io.jllm.cuda.kernels.attention;

import io.jllm.model.Op.AttentionShape;
import java.util.HashMap;
import java.util.Map;

/**
 * Where tasks of a chain leave what later ones of it read, in a room that the device has twice, by turns for one launch and the next. Every row of a
 * value has its own place each time that it is made, and nothing is written twice: what is not there yet looks different from all results, so that
 * readers need no barriers. Rows of activations themselves are written by the last task that makes them.
 */
public final class ChainRoom {
    private static final int ALIGNMENT = 16;
    private static final int BLOCK = 32;
    /** Floats of a record: 32 values in 8 bits, their scale, their sum, the sum of their squares. */
    private static final int RECORD = 12;

    private final Map<Long, Row> rows = new HashMap<>();
    private long floats;

    /** A row as it is made one time: where it is among the activations, and the float of the room at which it stands. */
    private static final class Row {
        private final long address;
        private final long at;
        private final int width;
        private final int first;
        private int end;
        private boolean read;

        Row(long address, long at, int width, int first) {
            this.address = address;
            this.at = at;
            this.width = width;
            this.first = first;
            end = first;
        }

        boolean whole() {
            return first == 0 && end == width;
        }
    }

    /**
     * What a task reads.
     *
     * @param address where it is among the activations; 0 for nothing
     * @param at the float of the room at which it stands; -1 if no task of the chain makes it
     */
    public record Input(long address, long at) {
        private static final long OUTSIDE = -1;
        /** Nothing. */
        public static final Input NONE = new Input(0, OUTSIDE);

        /** A row that no task of the chain makes, from a column on. */
        public static Input outside(long address, int column) {
            return new Input(address + (long) Float.BYTES * column, OUTSIDE);
        }

        /** Whether a task of the chain makes it. */
        boolean fresh() {
            return at != OUTSIDE;
        }

        /** Where the device reads it. */
        long in(long room) {
            return fresh() ? room + Float.BYTES * at : address;
        }
    }

    /** What a task writes: columns of a row, from one on. */
    public final class Output {
        private final Row row;
        private final int column;

        private Output(Row row, int column) {
            this.row = row;
            this.column = column;
        }

        /** Where it goes among the activations; 0 if a later task of the chain writes there. */
        long among() {
            return rows.get(row.address) == row ? row.address + (long) Float.BYTES * column : 0;
        }

        /** Where it goes in the room; 0 if no task reads it there. */
        long in(long room) {
            return row.read ? room + Float.BYTES * (row.at + column) : 0;
        }
    }

    /** Whether tasks of this chain have made some columns of a row only, so that it is whole neither here nor among the activations. */
    public boolean isPart(long address) {
        Row row = rows.get(address);
        return row != null && !row.whole();
    }

    /** What a task reads of a row, which is no part, from a column on. */
    public Input input(long address, int column) {
        Row row = rows.get(address);
        long at = address + (long) Float.BYTES * column;
        if (row == null) {
            return Input.outside(address, column);
        }
        if (!row.whole()) {
            throw new IllegalStateException("a row of which a chain has made a part is read in it");
        }
        row.read = true;
        return new Input(at, row.at + column);
    }

    /** Where a task writes so many columns of a row of a width, from a column on; columns of a row are written from the first to the last. */
    public Output output(long address, int width, int column, int count) {
        Row row = rows.get(address);
        if (row == null || row.width != width || row.end != column) {
            row = new Row(address, take(width), width, column);
            rows.put(address, row);
        }
        row.end += count;
        return new Output(row, column);
    }

    /** Takes counters, which begin at -1. */
    public long counters(int count) {
        return take(count);
    }

    /** Takes floats for records of a row in 8 bits; returns the first of them. */
    public long records(int cols) {
        return take(recordFloats(cols));
    }

    private long take(int count) {
        long at = floats;
        floats += rounded(count);
        return at;
    }

    /** Floats of a half of the room. */
    public long floats() {
        return floats;
    }

    private static int recordFloats(int cols) {
        return cols / BLOCK * RECORD;
    }

    private static long rounded(int count) {
        return Math.ceilDiv((long) count, ALIGNMENT) * ALIGNMENT;
    }

    /** The most that attention takes of a half. */
    public static long most(int width, AttentionShape s) {
        return rounded(width) + rounded(s.heads());
    }

    /** The most that a product of a row of columns takes of a half, if it makes a row of a width. */
    public static long most(int width, int cols) {
        return rounded(width) + rounded(recordFloats(cols));
    }
}
