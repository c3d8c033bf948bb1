package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Weights of whole numbers in groups, as quantised checkpoints have them: GPTQ, AWQ, bitsandbytes and their like, which differ in where
 * the numbers stand. What is read is rows of {@link #grouping}, whatever the checkpoint has. No value is computed before it is asked for.
 */
public final class Grouped implements Weights {
    private final String name;
    private final String format;
    private final Grouping grouping;
    private final Numbers numbers;
    private final Optional<GroupedBlocks> blocks;
    private final long from;
    private final long rows;

    /** Where the numbers of rows are. Thread-safe. */
    public interface Numbers {
        /** The numbers of a row's columns, without a sign. */
        void numbers(long row, byte[] to);

        /** The same of as many neighbouring rows as there are arrays, of which those that stand together are read together. */
        default void numbers(long row, byte[][] to) {
            for (int r = 0; r < to.length; r++) {
                numbers(row + r, to[r]);
            }
        }

        /** The scales of a row's groups. */
        void scales(long row, float[] to);

        /** The zeros of a row's groups, without a sign; not asked for if numbers are places in a table. */
        void zeros(long row, byte[] to);

        /** Whether that is known to be the zero of all groups of all rows, without a look at each. */
        default boolean alwaysZero(byte zero) {
            return false;
        }

        /** What {@link Weights#sources} says. */
        List<MemorySegment> sources();
    }

    /**
     * Of all rows.
     *
     * @param name the name under which it is found
     * @param format what it is, for people
     * @param grouping what a row is
     * @param numbers where they are
     * @param rows how many there are
     */
    public Grouped(String name, String format, Grouping grouping, Numbers numbers, long rows) {
        this(name, format, grouping, numbers, Optional.empty(), 0, rows);
    }

    private Grouped(String name, String format, Grouping grouping, Numbers numbers, Optional<GroupedBlocks> blocks, long from, long rows) {
        this.name = name;
        this.format = format;
        this.grouping = grouping;
        this.numbers = numbers;
        this.blocks = blocks;
        this.from = from;
        this.rows = rows;
    }

    /** What a row is, and what reads it. */
    public Grouping grouping() {
        return grouping;
    }

    /** The same, which are known to be those blocks as well. */
    public Grouped with(GroupedBlocks sameInBlocks) {
        return new Grouped(name, format, grouping, numbers, Optional.of(sameInBlocks), from, rows);
    }

    /** The same values in blocks whose columns stand in another order, if there are such blocks. */
    public Optional<GroupedBlocks> blocks() {
        return blocks;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public long cols() {
        return grouping.cols();
    }

    @Override
    public Optional<DType> stored() {
        return Optional.empty();
    }

    @Override
    public String format() {
        return format;
    }

    @Override
    public long bytes() {
        return rows * rowBytes();
    }

    @Override
    public long rowBytes() {
        return grouping.rowBytes();
    }

    @Override
    public void decode(long row, int count, float[] to, int at) {
        Objects.checkFromIndexSize(row, count, rows);
        int cols = grouping.cols();
        Objects.checkFromIndexSize(at, Math.multiplyExact(count, cols), to.length);
        var stored = MemorySegment.ofArray(new byte[Math.toIntExact(rowBytes())]);
        for (int r = 0; r < count; r++) {
            read(row + r, 1, stored);
            grouping.decode(stored, 0, to, at + r * cols, cols);
        }
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows);
        Objects.checkFromIndexSize(0, count * rowBytes(), to.byteSize());
        var buffer = new byte[grouping.cols()];
        var scales = new float[grouping.groups()];
        var zeros = new byte[grouping.groups()];
        for (long r = 0; r < count; r++) {
            numbers(row + r, buffer);
            groups(row + r, scales, zeros);
            grouping.store(buffer, scales, zeros, to, r * rowBytes());
        }
    }

    /** The numbers of a row's columns, without a sign. */
    void numbers(long row, byte[] to) {
        numbers.numbers(from + row, to);
    }

    /** The same of as many neighbouring rows as there are arrays. */
    void numbers(long row, byte[][] to) {
        numbers.numbers(from + row, to);
    }

    /** Whether that is known to be the zero of all groups. */
    boolean alwaysZero(byte zero) {
        return numbers.alwaysZero(zero);
    }

    /** Scales and zeros of a row's groups; zeros are left as they are if there are none. */
    void groups(long row, float[] scales, byte[] zeros) {
        numbers.scales(from + row, scales);
        if (!grouping.hasBook()) {
            numbers.zeros(from + row, zeros);
        }
    }

    /** {@inheritDoc} They never are. */
    @Override
    public Optional<MemorySegment> slice(long row, long count) {
        Objects.checkFromIndexSize(row, count, rows);
        return count == 0 ? Optional.of(MemorySegment.NULL) : Optional.empty();
    }

    @Override
    public List<MemorySegment> sources() {
        return numbers.sources();
    }

    @Override
    public Grouped named(String newName) {
        return new Grouped(newName, format, grouping, numbers, blocks, from, rows);
    }

    /**
     * Rows {@code start} (inclusive) to {@code end} (exclusive), without a copy.
     *
     * @throws IllegalArgumentException if there are no such rows
     */
    public Grouped rows(long start, long end) {
        if (start < 0 || end > rows || start >= end) {
            throw new IllegalArgumentException("rows " + start + " to " + end + " of tensor " + name + ", which has " + rows);
        }
        return new Grouped(name, format, grouping, numbers, blocks.map(b -> b.rows(start, end)), from + start, end - start);
    }

    /** For those who need plain tensors: an error that says what it is. */
    public IllegalArgumentException notPlain() {
        return new IllegalArgumentException("tensor " + name + " is packed as " + format + ", which cannot be taken apart or joined as this family of"
                + " models needs it: use the unquantised model, or a GGUF file of it");
    }
}
