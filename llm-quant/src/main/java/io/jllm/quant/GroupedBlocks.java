package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * Whole numbers in groups, read as blocks of {@link DType#Q4_0} or {@link DType#Q8_0} with the same values, bit for bit: each block of 32 has
 * the scale of the group that it is in. So they are of 4 bits with zeros of 8, or of 8 bits with zeros of 128, in groups of whole blocks, and all
 * their scales are numbers in half precision.
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
        for (long r = 0; r < grouped.rows(); r++) {
            grouped.groups(r, scales, zeros);
            if (!Arrays.equals(zeros, middle)) {
                return Optional.empty();
            }
            for (float s : scales) {
                if (Float.float16ToFloat(Float.floatToFloat16(s)) != s) {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(new GroupedBlocks(grouped, g.bits() == 4 ? DType.Q4_0 : DType.Q8_0));
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
                fill(numbers, c, blocks, at + Short.BYTES);
            }
            MemorySegment.copy(stored, 0, to, r * blocks.length, blocks.length);
        }
    }

    private void fill(byte[] numbers, int from, byte[] blocks, int at) {
        if (type == DType.Q8_0) {
            for (int i = 0; i < BLOCK; i++) {
                blocks[at + i] = (byte) (numbers[from + i] - 128);
            }
        } else {
            for (int i = 0; i < BLOCK / 2; i++) {
                blocks[at + i] = (byte) (numbers[from + i] | numbers[from + BLOCK / 2 + i] << 4);
            }
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
