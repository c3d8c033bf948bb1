package io.jllm.cpu.layout;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How rows of a stored format become groups of a {@link WeightFormat}. A row's part of a unit is a record: what the unit holds of it, in
 * the same order, so that number i of size s of the record at offset o is, for row r, at 16 o + r s of the unit.
 */
public abstract sealed class Layout permits SimpleLayout, SuperLayout, FloatLayout {
    static final int ROWS = WeightFormat.ROWS;
    static final int BLOCK = TokenFormat.BLOCK;
    public static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    public static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    public static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    /**
     * Numbers of one size, in a record's header.
     *
     * @param size 1, 2 or 4 bytes
     * @param count how many
     */
    record Run(int size, int count) {
    }

    private final DType type;
    private final WeightFormat format;
    private final List<Run> header;
    private final int size;

    /**
     * A layout.
     *
     * @param header runs of numbers of the header
     * @param size bytes of the numbers behind it, 2 or 4
     */
    Layout(DType type, WeightFormat format, List<Run> header, int size) {
        this.type = type;
        this.format = format;
        this.header = header;
        this.size = size;
    }

    /** The layout of a stored format; empty if it is not rearranged. */
    public static Optional<Layout> of(DType type) {
        return Optional.ofNullable(switch (type) {
            case Q4_0 -> SimpleLayout.Q4_0;
            case Q8_0 -> SimpleLayout.Q8_0;
            case Q4_K -> SuperLayout.Q4_K;
            case Q5_K -> SuperLayout.Q5_K;
            case Q6_K -> SuperLayout.Q6_K;
            case F16 -> FloatLayout.F16;
            case BF16 -> FloatLayout.BF16;
            case F32 -> FloatLayout.F32;
            default -> null;
        });
    }

    /** Formats that are rearranged. */
    public static List<DType> types() {
        return List.of(DType.Q4_0, DType.Q8_0, DType.Q4_K, DType.Q5_K, DType.Q6_K, DType.F16, DType.BF16, DType.F32);
    }

    public DType type() {
        return type;
    }

    public WeightFormat format() {
        return format;
    }

    /** Columns of a unit. */
    public int unitColumns() {
        return format.unitBlocks() * BLOCK;
    }

    private int recordBytes(int columns) {
        return format.unitBytes(Math.ceilDiv(columns, BLOCK)) / ROWS;
    }

    /** Turns so many stored columns of one row into a record. */
    abstract void toRecord(byte[] stored, int at, int columns, byte[] record, int start);

    /** Reads a row's part of a unit. */
    public abstract void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at);

    /**
     * Writes a unit. Both sides are arrays, for copies of whole groups are cheap, and single numbers of a mapped file are not.
     *
     * @param rowBytes from one stored row to the next
     * @param count stored rows; those that a group lacks become zeros
     * @param records room for 16 records
     */
    public final void pack(byte[] stored, int at, int rowBytes, int count, int columns, byte[] group, int unit, byte[] records) {
        int bytes = recordBytes(columns);
        for (int r = 0; r < count; r++) {
            toRecord(stored, at + r * rowBytes, columns, records, r * bytes);
        }
        Arrays.fill(records, count * bytes, ROWS * bytes, (byte) 0);
        int from = 0;
        for (Run run : header) {
            interleave(run.size(), run.count(), records, from, bytes, group, unit + ROWS * from);
            from += run.size() * run.count();
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

    static int word(byte[] stored, int at) {
        return (int) INTS.get(stored, at);
    }

    static short half(byte[] stored, int at) {
        return (short) SHORTS.get(stored, at);
    }

    // Records

    static void put(byte[] record, int at, int value) {
        INTS.set(record, at, value);
    }

    static void put(byte[] record, int at, short value) {
        SHORTS.set(record, at, value);
    }

    // What a unit holds of a row at some place of its record

    static int word(MemorySegment data, long unit, int row, int at) {
        return data.get(INT, unit + (long) ROWS * at + (long) row * Integer.BYTES);
    }

    static float half(MemorySegment data, long unit, int row, int at) {
        return Float.float16ToFloat(data.get(SHORT, unit + (long) ROWS * at + (long) row * Short.BYTES));
    }

    static int signedByte(MemorySegment data, long unit, int row, int at) {
        return data.get(BYTE, unit + (long) ROWS * at + row);
    }
}
