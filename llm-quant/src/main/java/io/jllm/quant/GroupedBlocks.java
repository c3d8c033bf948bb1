package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Whole numbers in groups, read as blocks that backends compute with, with the same values, bit for bit: each block has the scale of the
 * group that it is in. Numbers of 4 bits become {@link DType#Q4_0} and those of 8 bits {@link DType#Q8_0} if all zeros are in the middle; others
 * become types that no file has, as {@link DType#U4_128}; NF4 and FP4 become what is called so.
 *
 * <p>Groups are whole blocks. Columns whose groups are said one by one are put into the order of their groups first, and stay in that order: column
 * i here is column {@code order()[i]} there, so whoever computes with blocks of that kind puts activations into that order.
 *
 * <p>For columns in groups of 128, blocks take 1.02 to 1.08 times what numbers, scales and zeros do.
 */
public final class GroupedBlocks implements Part {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** Columns of the smallest blocks. */
    private static final int RUN = WholeNumbers.RUN;
    /** Columns of blocks of the types of {@link WholeNumbers}, the largest first. */
    private static final List<Integer> SIZES = List.of(128, 64, RUN);
    private static final byte SIGN = Byte.MIN_VALUE;
    /** Rows whose numbers are read together: in checkpoints that store columns after columns, those of a line of the processor's memory. */
    private static final int TOGETHER = 16;

    private final Grouped grouped;
    private final DType type;
    /** How numbers of a block stand. */
    private final WholeNumbers packing;
    private final int[] runs;
    private final int[] order;
    private final float outliers;

    /**
     * Blocks.
     *
     * @param runs the group of each 32 columns
     * @param order where columns are; empty if they stand as they are
     */
    private GroupedBlocks(Grouped grouped, DType type, int[] runs, int[] order, float outliers) {
        this.grouped = grouped;
        this.type = type;
        this.packing = WholeNumbers.of(grouped.grouping().bits(), RUN).orElseThrow();
        this.runs = runs;
        this.order = order;
        this.outliers = outliers;
    }

    /** The same values in blocks; empty if no type has them. Reads all scales and zeros. */
    public static Optional<GroupedBlocks> of(Grouped grouped) {
        Grouping g = grouped.grouping();
        int cols = g.cols();
        int[] order = g.isPlain() ? new int[0]
                : IntStream.range(0, cols).boxed().sorted(Comparator.comparingInt(g::group)).mapToInt(c -> c).toArray();
        var groups = new int[cols];
        for (int c = 0; c < cols; c++) {
            groups[c] = g.group(order.length == 0 ? c : order[c]);
        }
        Optional<Integer> size = SIZES.stream().filter(s -> cols % s == 0 && whole(groups, s)).findFirst();
        return size.flatMap(s -> type(grouped, s))
                .map(type -> new GroupedBlocks(grouped, type, IntStream.range(0, cols / RUN).map(r -> groups[r * RUN]).toArray(), order, 0));
    }

    /** Whether each so many columns are of one group. */
    private static boolean whole(int[] groups, int size) {
        return IntStream.range(0, groups.length).allMatch(c -> groups[c] == groups[c / size * size]);
    }

    /** Whether a table is that of a type, but for the sign of a zero. */
    private static boolean isTable(float[] book, DType type) {
        float[] table = Codec.of(type).orElseThrow().table();
        return book.length == table.length && IntStream.range(0, table.length).allMatch(i -> book[i] == table[i]);
    }

    /** What numbers of which at least so many share a scale become. */
    private static Optional<DType> type(Grouped grouped, int size) {
        Grouping g = grouped.grouping();
        Optional<DType> floats = size % DType.NF4.blockElements() == 0 ? Optional.of(DType.S8_64) : Optional.empty();
        if (g.hasBook()) {
            return Stream.of(DType.NF4, DType.FP4).filter(t -> floats.isPresent() && isTable(g.book(), t)).findFirst();
        }
        var scales = new float[g.groups()];
        var zeros = new byte[g.groups()];
        var middle = new byte[g.groups()];
        Arrays.fill(middle, (byte) (1 << g.bits() - 1));
        boolean centred = true;
        boolean halves = true;
        boolean known = g.scales() == DType.F16 && grouped.alwaysZero(middle[0]);
        for (long r = 0; r < grouped.rows() && !known; r++) {
            grouped.groups(r, scales, zeros);
            centred &= Arrays.equals(zeros, middle);
            for (float s : scales) {
                halves &= Float.float16ToFloat(Float.floatToFloat16(s)) == s;
            }
            if (!halves && !centred) {
                return Optional.empty();
            }
        }
        if (centred && g.bits() >= 4) {
            return halves ? Optional.of(g.bits() == 4 ? DType.Q4_0 : DType.Q8_0) : floats.filter(_ -> g.bits() == 8);
        }
        return !halves ? Optional.empty() : SIZES.stream().filter(s -> s <= size).flatMap(s -> WholeNumbers.of(g.bits(), s).stream()).findFirst()
                .map(WholeNumbers::type);
    }

    /** Whether columns stand in the order of their groups, not as they are. */
    public boolean isOrdered() {
        return order.length > 0;
    }

    /** For each column the one that it is of the matrix; empty if columns stand as they are. */
    public int[] order() {
        return order.clone();
    }

    /**
     * The same signed bytes as {@link DType#S8_64}, as LLM.int8() has them, if they fit it.
     *
     * @param threshold above 0
     */
    public Optional<GroupedBlocks> withOutliers(float threshold) {
        boolean fit = (type == DType.S8_64 || type == DType.Q8_0) && runs.length % 2 == 0 && Arrays.stream(runs).distinct().count() == 1;
        return fit ? Optional.of(new GroupedBlocks(grouped, DType.S8_64, runs, order, threshold)) : Optional.empty();
    }

    /**
     * Where activations are rounded to 8 bits: the magnitude from which on they are not. An input that has such an activation meets its
     * weights as floats, for all rows that are computed together; the others are rounded by one scale for each row. 0 if nothing is said.
     */
    public float outliers() {
        return outliers;
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
        var stored = new byte[(int) Math.min(TOGETHER, count)][g.cols()];
        var ordered = new byte[g.cols()];
        var scales = new float[g.groups()];
        var zeros = new byte[g.groups()];
        var blocks = new byte[Math.toIntExact(type.bytes(cols()))];
        for (long r = 0; r < count; r++) {
            int place = (int) (r % TOGETHER);
            if (place == 0) {
                grouped.numbers(row + r, Arrays.copyOf(stored, (int) Math.min(TOGETHER, count - r)));
            }
            grouped.groups(row + r, scales, zeros);
            byte[] numbers = isOrdered() ? ordered : stored[place];
            for (int c = 0; c < order.length; c++) {
                numbers[c] = stored[place][order[c]];
            }
            for (int c = 0, at = 0; c < numbers.length; c += type.blockElements(), at += type.blockBytes()) {
                int group = runs[c / RUN];
                block(numbers, c, scales[group], zeros[group], blocks, at);
            }
            MemorySegment.copy(blocks, 0, to, ValueLayout.JAVA_BYTE, r * blocks.length, blocks.length);
        }
    }

    private void block(byte[] numbers, int from, float scale, byte zero, byte[] blocks, int start) {
        MemorySegment header = MemorySegment.ofArray(blocks);
        int at = start;
        switch (type) {
            case NF4, FP4, S8_64 -> {
                header.set(FLOAT, at, scale);
                at += Float.BYTES;
            }
            case Q4_0, Q8_0 -> {
                header.set(SHORT, at, Float.floatToFloat16(scale));
                at += Short.BYTES;
            }
            default -> {
                header.set(SHORT, at, Float.floatToFloat16(scale));
                blocks[at + Short.BYTES] = zero;
                at += WholeNumbers.HEADER;
            }
        }
        int end = start + type.blockBytes();
        for (int c = from, to = at; to < end; c += RUN, to += packing.runBytes()) {
            packing.pack(numbers, c, blocks, to);
        }
        if (type == DType.Q8_0 || type == DType.S8_64) {
            for (int i = at; i < end; i++) {
                blocks[i] ^= SIGN;
            }
        }
    }

    @Override
    public List<MemorySegment> sources() {
        return grouped.sources();
    }

    @Override
    public GroupedBlocks rows(long start, long end) {
        return new GroupedBlocks(grouped.rows(start, end), type, runs, order, outliers);
    }
}
