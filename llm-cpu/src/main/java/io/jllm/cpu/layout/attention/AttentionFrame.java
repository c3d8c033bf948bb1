package io.jllm.cpu.layout.attention;

import io.jllm.cpu.layout.Rows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a thread's calls of {@link io.jllm.cpu.machine.MachineAttention} read and write: rows of queries and of scores, and two rows of sums for
 * each. Grows to what it is asked for and stays.
 */
public final class AttentionFrame {
    private static final long LINE = 64;

    private final Arena arena;
    private long[] fields = {};
    private MemorySegment memory = MemorySegment.NULL;
    private int rows;
    private int dim;
    private long ranges;
    private long slopes;
    private long queries;
    private long scores;
    private long total;
    private long part;
    private long rowBytes;
    private int entries;

    public AttentionFrame(Arena arena) {
        this.arena = arena;
    }

    /** Makes room, and begins with no rows. */
    public void begin(AttentionShape shape, int padded) {
        entries = 0;
        rows = padded;
        dim = shape.dim();
        int longs = AttentionShape.ENTRIES_AT + AttentionShape.ENTRY * (2 + Math.ceilDiv(AttentionShape.CHUNK, shape.positions()));
        if (fields.length < longs) {
            fields = new long[longs];
        }
        ranges = aligned((long) longs * Long.BYTES);
        slopes = aligned(ranges + (long) padded * Long.BYTES);
        queries = aligned(slopes + (long) padded * Float.BYTES);
        scores = aligned(queries + (long) padded * dim * Float.BYTES);
        total = aligned(scores + (long) padded * AttentionShape.STRIDE * Float.BYTES);
        part = total + (long) padded * shape.rowBytes();
        rowBytes = shape.rowBytes();
        long bytes = part + padded * rowBytes;
        if (memory.byteSize() < bytes) {
            memory = arena.allocate(bytes, LINE);
        }
        fields[AttentionShape.ROW_COUNT] = padded;
        fields[AttentionShape.QUERIES] = memory.address() + queries;
        fields[AttentionShape.RANGES] = memory.address() + ranges;
        fields[AttentionShape.SLOPES] = memory.address() + slopes;
    }

    private static long aligned(long at) {
        return Math.ceilDiv(at, LINE) * LINE;
    }

    /** Takes some rows of queries. */
    public void query(int row, int count, MemorySegment from, long at) {
        MemorySegment.copy(from, at, memory, queries + (long) row * dim * Float.BYTES, (long) count * dim * Float.BYTES);
    }

    /** Says which positions some rows see, both ends included. */
    public void range(int row, int count, int first, int last) {
        for (int r = row; r < row + count; r++) {
            memory.set(ValueLayout.JAVA_LONG, ranges + (long) r * Long.BYTES, first & 0xffff_ffffL | (long) last << Integer.SIZE);
        }
    }

    /** Says what is added to a row's scores for each position that a key is before the last one. */
    public void slope(int row, float each) {
        memory.set(Rows.FLOAT, slopes + (long) row * Float.BYTES, each);
    }

    /** Caps scores by that number. */
    public void cap(float c) {
        fields[AttentionShape.CAP] = Float.floatToRawIntBits(c);
    }

    /** The rows from there on see nothing. */
    public void endRows(int row) {
        if (row == rows) {
            return;
        }
        Rows.clear(memory, queries + (long) row * dim * Float.BYTES, (rows - row) * dim);
        range(row, rows - row, 0, -1);
    }

    /** Begins with positions from {@code from} on to {@code to}, exclusive, of the chunk that starts with {@code start}. */
    public void positions(int start, int from, int to, float scale) {
        entries = 0;
        int group = (from - start) / AttentionShape.LANES;
        fields[AttentionShape.SCORES] = memory.address() + scores + (long) (from - start) * Float.BYTES;
        fields[AttentionShape.GROUP_SCORES] = memory.address() + scores + (long) group * AttentionShape.LANES * Float.BYTES;
        fields[AttentionShape.GROUPS] = Math.ceilDiv(to - start, AttentionShape.LANES) - group;
        fields[AttentionShape.GROUP_POSITION] = start + group * AttentionShape.LANES;
        fields[AttentionShape.SCALE] = Float.floatToRawIntBits(scale);
    }

    /** Adds some positions of a page: addresses as {@link AttentionShape} says. */
    public void entry(int count, long keys, long values, long keyScales, long valueScales) {
        int at = AttentionShape.ENTRIES_AT + entries * AttentionShape.ENTRY;
        fields[at] = count;
        fields[at + 1] = keys;
        fields[at + 2] = values;
        fields[at + 3] = keyScales;
        fields[at + 4] = valueScales;
        fields[AttentionShape.ENTRIES] = ++entries;
    }

    /**
     * Fills the sums over a chunk as if each row had seen one position whose value is 0.
     *
     * @param scores for each row of a token the score of that position, from {@code at} on
     * @param group rows of a token
     */
    public void sinks(float[] scores, int at, int group) {
        for (int r = 0; r < rows; r++) {
            long row = part + r * rowBytes;
            memory.set(Rows.FLOAT, row, scores[at + r % group]);
            memory.set(Rows.FLOAT, row + Float.BYTES, 1);
            Rows.clear(memory, row + AttentionShape.HEADER_BYTES, (int) (rowBytes - AttentionShape.HEADER_BYTES) / Float.BYTES);
        }
    }

    /** Address of memory for the sums over all positions. */
    public long total() {
        return memory.address() + total;
    }

    /** Address of memory for the sums over a chunk. */
    public long part() {
        return memory.address() + part;
    }

    public long[] fields() {
        return fields;
    }

    /** Puts the fields where code reads them, and returns its address. */
    public long stored() {
        MemorySegment.copy(fields, 0, memory, ValueLayout.JAVA_LONG, 0, AttentionShape.ENTRIES_AT + entries * AttentionShape.ENTRY);
        return memory.address();
    }

    /** Bytes it holds. */
    public long bytes() {
        return memory.byteSize() + (long) fields.length * Long.BYTES;
    }
}
