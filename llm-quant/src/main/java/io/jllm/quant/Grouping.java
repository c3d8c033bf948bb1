package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.Set;

/**
 * How whole numbers of a few bits make a row of values: its columns are in groups, and {@code value = (number - zero of the group) * scale of the
 * group}, or {@code value = book[number] * scale of the group}, in single precision. Columns of a group follow each other, or are said one by
 * one, as where they were ordered by their activations before they were quantised.
 *
 * <p><b>A row</b>, as it is stored: the numbers; then the scales, group after group; then, if there is no book, a byte for each group's zero.
 * Numbers of 4 bits in groups of whole blocks of 32 stand as in {@link DType#Q4_0}: byte j of a block's 16 holds columns j and j + 16. Others stand
 * column after column, each from the lowest bit that is free on, to a whole byte. Immutable.
 */
public final class Grouping implements RowReader {
    /** Bits that a number may have. */
    public static final Set<Integer> BITS = Set.of(2, 3, 4, 8);
    /** What scales may be stored as. */
    public static final Set<DType> SCALES = Set.of(DType.F16, DType.BF16, DType.F32);
    private static final int NIBBLE = 15;
    private static final int BLOCK = 32;
    private static final int HALF = BLOCK / 2;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int bits;
    private final int cols;
    private final int size;
    private final int groups;
    private final DType scales;
    /** The group of each column; empty if they follow each other. */
    private final int[] order;
    /** What numbers stand for; empty if for themselves. */
    private final float[] book;
    /** Whether numbers stand in blocks. */
    private final boolean blocks;

    private Grouping(int bits, int cols, int size, int groups, DType scales, int[] order, float[] book) {
        if (!BITS.contains(bits) || !SCALES.contains(scales) || cols < 1 || size < 1 || groups < 1) {
            throw new IllegalArgumentException(cols + " columns of " + bits + " bits in " + groups + " groups of " + size + " with scales of type "
                    + scales + ": there must be columns and groups, bits " + BITS + ", scales " + SCALES);
        }
        this.bits = bits;
        this.cols = cols;
        this.size = size;
        this.groups = groups;
        this.scales = scales;
        this.order = order;
        this.book = book;
        this.blocks = bits == 4 && cols % BLOCK == 0 && order.length == 0 && (size % BLOCK == 0 || groups == 1);
    }

    /**
     * Numbers that stand for themselves.
     *
     * @param bits of a number: 2, 3, 4 or 8
     * @param cols columns, at least 1
     * @param size columns of a group, at least 1; the last may have fewer
     * @param scales storage type of scales: F16, BF16 or F32
     * @throws IllegalArgumentException if one of them is something else
     */
    public static Grouping of(int bits, int cols, int size, DType scales) {
        return new Grouping(bits, cols, size, Math.ceilDiv(cols, Math.max(1, size)), scales, new int[0], new float[0]);
    }

    /**
     * The same with groups whose columns stand anywhere.
     *
     * @param groupOf the group of each column
     * @param groupCount how many groups there are
     * @throws IllegalArgumentException if there are not as many columns, or one is in no group
     */
    public Grouping ordered(int[] groupOf, int groupCount) {
        if (groupOf.length != cols || Arrays.stream(groupOf).anyMatch(g -> g < 0 || g >= groupCount)) {
            throw new IllegalArgumentException(groupOf.length + " columns were to be in groups 0 to " + (groupCount - 1) + "; there are "
                    + cols + ", or some are in no such group");
        }
        boolean plain = groupCount == groups;
        for (int c = 0; plain && c < cols; c++) {
            plain = groupOf[c] == c / size;
        }
        return plain ? this : new Grouping(bits, cols, size, groupCount, scales, groupOf.clone(), book);
    }

    /**
     * The same with numbers that are places in a table.
     *
     * @param values as many as numbers of so many bits
     * @throws IllegalArgumentException if they are not
     */
    public Grouping by(float[] values) {
        if (values.length != 1 << bits) {
            throw new IllegalArgumentException("a book of " + values.length + " values for numbers of " + bits + " bits");
        }
        return new Grouping(bits, cols, size, groups, scales, order, values.clone());
    }

    /** What scales are stored as. */
    DType scales() {
        return scales;
    }

    /** Bits of a number. */
    public int bits() {
        return bits;
    }

    /** Columns. */
    public int cols() {
        return cols;
    }

    /** Groups of a row. */
    public int groups() {
        return groups;
    }

    /** Columns of a group, if they follow each other; the last group may have fewer. */
    public int size() {
        return size;
    }

    /** Whether columns of a group follow each other. */
    public boolean isPlain() {
        return order.length == 0;
    }

    /** Whether numbers are places in a table, so that there are no zeros. */
    public boolean hasBook() {
        return book.length > 0;
    }

    /** The table; empty if numbers stand for themselves. */
    float[] book() {
        return book;
    }

    /** The group of a column. */
    int group(int col) {
        return isPlain() ? col / size : order[col];
    }

    /** Bytes of a row. */
    public long rowBytes() {
        return scalesAt() + (long) groups * (scales.blockBytes() + (hasBook() ? 0 : 1));
    }

    private long scalesAt() {
        return Math.ceilDiv((long) cols * bits, Byte.SIZE);
    }

    /**
     * Stores a row.
     *
     * @param numbers of the columns, without a sign
     * @param factors scales of the groups, each of which the type of scales has
     * @param zeros of the groups, without a sign; not read if there is a book
     * @param to receives {@link #rowBytes} bytes
     * @param at of the first one there
     */
    void store(byte[] numbers, float[] factors, byte[] zeros, MemorySegment to, long at) {
        long place = blocks ? storeBlocks(numbers, to, at) : storeStream(numbers, to, at);
        for (int g = 0; g < groups; g++, place += scales.blockBytes()) {
            switch (scales) {
                case F16 -> to.set(SHORT, place, Float.floatToFloat16(factors[g]));
                case BF16 -> to.set(SHORT, place, (short) (Float.floatToRawIntBits(factors[g]) >>> Short.SIZE));
                default -> to.set(INT, place, Float.floatToRawIntBits(factors[g]));
            }
        }
        if (!hasBook()) {
            MemorySegment.copy(zeros, 0, to, BYTE, place, groups);
        }
    }

    /** Returns where they end. */
    private long storeBlocks(byte[] numbers, MemorySegment to, long at) {
        long place = at;
        for (int from = 0; from < cols; from += BLOCK) {
            for (int j = from; j < from + HALF; j++) {
                to.set(BYTE, place++, (byte) (numbers[j] | numbers[j + HALF] << 4));
            }
        }
        return place;
    }

    /** Returns where they end. */
    private long storeStream(byte[] numbers, MemorySegment to, long at) {
        long place = at;
        int buffer = 0;
        int filled = 0;
        for (int c = 0; c < cols; c++) {
            buffer |= (numbers[c] & 0xFF) << filled;
            filled += bits;
            while (filled >= Byte.SIZE) {
                to.set(BYTE, place++, (byte) buffer);
                buffer >>>= Byte.SIZE;
                filled -= Byte.SIZE;
            }
        }
        if (filled > 0) {
            to.set(BYTE, place++, (byte) buffer);
        }
        return place;
    }

    /** {@inheritDoc} They are one row. */
    @Override
    public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
        if (count != cols) {
            throw new IllegalArgumentException(count + " values of rows of " + cols);
        }
        Objects.checkFromIndexSize(offset, rowBytes(), src.byteSize());
        Objects.checkFromIndexSize(at, count, dst.length);
        if (isPlain()) {
            for (int g = 0; g < groups; g++) {
                int from = g * size;
                group(src, offset, g, from, (int) Math.min(cols, from + (long) size), dst, at);
            }
            return;
        }
        var factors = new float[groups];
        var zeros = new int[groups];
        for (int g = 0; g < groups; g++) {
            factors[g] = scale(src, offset, g);
            zeros[g] = zero(src, offset, g);
        }
        for (int c = 0; c < cols; c++) {
            int g = order[c];
            dst[at + c] = (meaning(number(src, offset, c)) - zeros[g]) * factors[g];
        }
    }

    private void group(MemorySegment src, long offset, int g, int from, int end, float[] dst, int at) {
        float scale = scale(src, offset, g);
        int zero = zero(src, offset, g);
        if (!blocks) {
            for (int c = from; c < end; c++) {
                dst[at + c] = (meaning(number(src, offset, c)) - zero) * scale;
            }
        } else if (hasBook()) {
            byBook(src, offset, scale, from, end, dst, at);
        } else {
            for (int block = from; block < end; block += BLOCK) {
                long place = offset + block / 2;
                int to = at + block;
                for (int j = 0; j < HALF; j++) {
                    int pair = src.get(BYTE, place + j);
                    dst[to + j] = ((pair & NIBBLE) - zero) * scale;
                    dst[to + HALF + j] = ((pair >> 4 & NIBBLE) - zero) * scale;
                }
            }
        }
    }

    private void byBook(MemorySegment src, long offset, float scale, int from, int end, float[] dst, int at) {
        for (int block = from; block < end; block += BLOCK) {
            long place = offset + block / 2;
            int to = at + block;
            for (int j = 0; j < HALF; j++) {
                int pair = src.get(BYTE, place + j);
                dst[to + j] = book[pair & NIBBLE] * scale;
                dst[to + HALF + j] = book[pair >> 4 & NIBBLE] * scale;
            }
        }
    }

    private float meaning(int number) {
        return hasBook() ? book[number] : number;
    }

    /** A number of those that do not stand in blocks. The scales stand behind them, so that there are two bytes to read. */
    private int number(MemorySegment src, long offset, int col) {
        long bit = (long) col * bits;
        return src.get(SHORT, offset + bit / Byte.SIZE) >>> bit % Byte.SIZE & (1 << bits) - 1;
    }

    private float scale(MemorySegment src, long offset, int group) {
        long at = offset + scalesAt() + (long) group * scales.blockBytes();
        return switch (scales) {
            case F16 -> Float.float16ToFloat(src.get(SHORT, at));
            case BF16 -> Float.intBitsToFloat(src.get(SHORT, at) << Short.SIZE);
            default -> Float.intBitsToFloat(src.get(INT, at));
        };
    }

    private int zero(MemorySegment src, long offset, int group) {
        return hasBook() ? 0 : src.get(BYTE, offset + scalesAt() + (long) groups * scales.blockBytes() + group) & 0xFF;
    }
}
