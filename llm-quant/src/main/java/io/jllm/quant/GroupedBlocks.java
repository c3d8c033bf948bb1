package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * Whole numbers in groups, read as blocks of a format that all backends compute with, with the same values, bit for bit: each block of 32 has
 * the scale of the group that it is in. Numbers of 4 bits become {@link DType#Q4_0} if all zeros are 8, else {@link DType#Q5_0}, as a number less its
 * zero has 5 bits with its sign; numbers of 8 bits with zeros of 128 become {@link DType#Q8_0}. Groups are whole blocks, and all scales numbers in
 * half precision. Of groups of 128 columns Q4_0 takes 1.08 times what the numbers, scales and zeros do, Q8_0 1.04 times, Q5_0 1.32 times.
 */
public final class GroupedBlocks implements Part {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = 32;

    private final Grouped grouped;
    private final DType type;

    private GroupedBlocks(Grouped grouped, DType type) {
        this.grouped = grouped;
        this.type = type;
    }

    /** The same values in blocks; empty if they are not such numbers. Reads all scales and zeros. */
    public static Optional<GroupedBlocks> of(Grouped grouped) {
        Grouping g = grouped.grouping();
        boolean whole = g.isPlain() && !g.hasBook() && g.cols() % BLOCK == 0 && (g.groups() == 1 || g.size() % BLOCK == 0);
        if (!whole || g.bits() != 4 && g.bits() != 8) {
            return Optional.empty();
        }
        var scales = new float[g.groups()];
        var zeros = new byte[g.groups()];
        var middle = new byte[g.groups()];
        Arrays.fill(middle, (byte) (1 << g.bits() - 1));
        boolean centred = true;
        for (long r = 0; r < grouped.rows(); r++) {
            grouped.groups(r, scales, zeros);
            centred &= Arrays.equals(zeros, middle);
            if (!centred && g.bits() == 8) {
                return Optional.empty();
            }
            for (float s : scales) {
                if (Float.float16ToFloat(Float.floatToFloat16(s)) != s) {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(new GroupedBlocks(grouped, g.bits() == 8 ? DType.Q8_0 : centred ? DType.Q4_0 : DType.Q5_0));
    }

    @Override
    public DType type() {
        return type;
    }

    @Override
    public long rows() {
        return grouped.rows();
    }

    @Override
    public long cols() {
        return grouped.cols();
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows());
        Objects.checkFromIndexSize(0, type.bytes(count * cols()), to.byteSize());
        Grouping g = grouped.grouping();
        var numbers = new byte[g.cols()];
        var scales = new float[g.groups()];
        var zeros = new byte[g.groups()];
        var blocks = new byte[Math.toIntExact(type.bytes(cols()))];
        var stored = MemorySegment.ofArray(blocks);
        for (long r = 0; r < count; r++) {
            grouped.numbers(row + r, numbers);
            grouped.groups(row + r, scales, zeros);
            for (int c = 0, at = 0; c < numbers.length; c += BLOCK, at += type.blockBytes()) {
                stored.set(SHORT, at, Float.floatToFloat16(scales[c / g.size()]));
                fill(numbers, c, zeros[c / g.size()], blocks, at + Short.BYTES);
            }
            MemorySegment.copy(stored, 0, to, r * blocks.length, blocks.length);
        }
    }

    private void fill(byte[] numbers, int from, int zero, byte[] blocks, int at) {
        switch (type) {
            case Q8_0 -> {
                for (int i = 0; i < BLOCK; i++) {
                    blocks[at + i] = (byte) (numbers[from + i] - 128);
                }
            }
            case Q4_0 -> {
                for (int i = 0; i < BLOCK / 2; i++) {
                    blocks[at + i] = (byte) (numbers[from + i] | numbers[from + BLOCK / 2 + i] << 4);
                }
            }
            default -> fiveBits(numbers, from, zero, blocks, at);
        }
    }

    /** The fifth bits of all numbers, then the others; 16 is added to what has a sign. */
    private static void fiveBits(byte[] numbers, int from, int zero, byte[] blocks, int at) {
        Arrays.fill(blocks, at, at + Integer.BYTES + BLOCK / 2, (byte) 0);
        for (int i = 0; i < BLOCK; i++) {
            int value = numbers[from + i] - zero + 16;
            blocks[at + i / Byte.SIZE] |= (byte) (value >> 4 << i % Byte.SIZE);
            blocks[at + Integer.BYTES + i % 16] |= (byte) ((value & 15) << i / 16 * 4);
        }
    }

    /**
     * Rows {@code start} (inclusive) to {@code end} (exclusive), without a copy.
     *
     * @throws IllegalArgumentException if there are no such rows
     */
    public GroupedBlocks rows(long start, long end) {
        return new GroupedBlocks(grouped.rows(start, end), type);
    }
}
