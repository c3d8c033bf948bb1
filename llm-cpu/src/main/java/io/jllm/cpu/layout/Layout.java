package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * How stored blocks of a format become groups of a {@link WeightFormat}. A row's part of a unit is a record: what the unit holds of it, in
 * the same order, so that number i of size s of the record at offset o is, for row r, at 16 o + r s of the unit. Stateless and thread-safe.
 */
public abstract class Layout {
    protected static final int ROWS = WeightFormat.ROWS;
    protected static final int BLOCK = TokenFormat.BLOCK;
    public static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    public static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    public static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    /** For a layout of one format. */
    protected Layout() {
    }

    /** Turns so many stored columns of one row, whole blocks of them, into a record. */
    protected abstract void toRecord(byte[] stored, int at, int columns, byte[] record, int start);

    /** Reads a row's part of a unit: the floats that the format's codec reads from what is stored. */
    public abstract void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at);

    /**
     * Reads a stored block as the kernels see it, for {@link BlockModel}: integers, or floats, from column {@code column} on, their scales and
     * minima.
     *
     * @param at where the block starts
     */
    protected abstract void model(byte[] stored, int at, BlockModel to, int column);

    /** Where a stored block has scales in half precision, in bytes: what fills blocks with random bits must keep them modest. */
    public abstract List<Integer> halves();

    /** Where a stored block has scales that are powers of two, as bytes, 128 more than the power: these, too, are to be kept modest. */
    public List<Integer> powers() {
        return List.of();
    }

    /** Where a stored block has scales in single precision, in bytes: as above. */
    public List<Integer> floats() {
        return List.of();
    }

    /** Where a stored block has a factor in single precision that is the same in all blocks of a row. */
    public List<Integer> factors() {
        return List.of();
    }

    /** Where a stored block has zeros that are below 16, a byte each. */
    public List<Integer> zeros() {
        return List.of();
    }

    /**
     * Whether rearranging only moves numbers: a stored block is its scale in half precision, if it has one, and then its numbers in the order
     * of a record. Each 4 bytes of them are xored with what is returned; empty if it takes more.
     */
    public OptionalInt moves() {
        return OptionalInt.empty();
    }

    /**
     * Writes a unit. Both sides are arrays, for copies of whole groups are cheap, and single numbers of a mapped file are not.
     *
     * @param rowBytes from one stored row to the next
     * @param count stored rows; those that a group lacks become zeros
     * @param records room for 16 records
     */
    public final void pack(WeightFormat format, byte[] stored, int at, int rowBytes, int count, int columns, byte[] group, int unit, byte[] records) {
        int bytes = format.unitBytes(Math.ceilDiv(columns, BLOCK)) / ROWS;
        for (int r = 0; r < count; r++) {
            toRecord(stored, at + r * rowBytes, columns, records, r * bytes);
        }
        Arrays.fill(records, count * bytes, ROWS * bytes, (byte) 0);
        int from = 0;
        int size = Integer.BYTES;
        switch (format.numbers()) {
            case Numbers.Integers i -> {
                for (Scales.Run run : i.scales().header()) {
                    interleave(run.size(), run.count(), records, from, bytes, group, unit + ROWS * from);
                    from += run.size() * run.count();
                }
            }
            case Numbers.Floats f -> size = f.run();
            case Numbers.EightBits _ -> {
                interleave(Float.BYTES, 1, records, 0, bytes, group, unit);
                from = Float.BYTES;
            }
        }
        interleave(size, (bytes - from) / size, records, from, bytes, group, unit + ROWS * from);
    }

    private static void interleave(int size, int count, byte[] records, int from, int stride, byte[] group, int to) {
        switch (size) {
            case Integer.BYTES -> words(count, records, from, stride, group, to);
            case Short.BYTES -> halves(count, records, from, stride, group, to);
            default -> {
                for (int i = 0; i < count * ROWS; i++) {
                    group[to + i] = records[from + i % ROWS * stride + i / ROWS];
                }
            }
        }
    }

    private static void words(int count, byte[] records, int from, int stride, byte[] group, int to) {
        for (int i = 0; i < count; i++) {
            for (int r = 0; r < ROWS; r++) {
                INTS.set(group, to + (i * ROWS + r) * Integer.BYTES, (int) INTS.get(records, from + r * stride + i * Integer.BYTES));
            }
        }
    }

    private static void halves(int count, byte[] records, int from, int stride, byte[] group, int to) {
        for (int i = 0; i < count; i++) {
            for (int r = 0; r < ROWS; r++) {
                SHORTS.set(group, to + (i * ROWS + r) * Short.BYTES, (short) SHORTS.get(records, from + r * stride + i * Short.BYTES));
            }
        }
    }

    // Stored rows

    protected static int octet(byte[] stored, int at) {
        return stored[at] & 0xFF;
    }

    protected static float number(byte[] stored, int at) {
        return Float.float16ToFloat(half(stored, at));
    }

    protected static int word(byte[] stored, int at) {
        return (int) INTS.get(stored, at);
    }

    protected static short half(byte[] stored, int at) {
        return (short) SHORTS.get(stored, at);
    }

    // Records

    protected static void put(byte[] record, int at, int value) {
        INTS.set(record, at, value);
    }

    protected static void put(byte[] record, int at, short value) {
        SHORTS.set(record, at, value);
    }

    // What a unit holds of a row at some place of its record

    protected static int word(MemorySegment data, long unit, int row, int at) {
        return data.get(INT, unit + (long) ROWS * at + (long) row * Integer.BYTES);
    }

    protected static float half(MemorySegment data, long unit, int row, int at) {
        return Float.float16ToFloat(data.get(SHORT, unit + (long) ROWS * at + (long) row * Short.BYTES));
    }

    protected static int signedByte(MemorySegment data, long unit, int row, int at) {
        return data.get(BYTE, unit + (long) ROWS * at + row);
    }
}
