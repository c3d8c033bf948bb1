package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;

/**
 * Floats of 8 bits, each times the scale of the block, the row or the tensor that it is in. Nothing is unpacked but what is asked for.
 *
 * <p>Matrices of {@link DType#F8_E4M3} of which each 64 columns share a scale are read as {@link DType#F8_64}: no value is computed, and what they
 * stand for are products in single precision, where the checkpoints' own programs round these to {@link DType#BF16}. All others are read as such
 * rounded products: vectors, other types and rows that are no whole blocks. {@link Rounded#apart} makes these of the former.
 *
 * <p>The blocks of a tensor of more than two dimensions begin anew with each of its matrices.
 */
public final class Scaled implements Part {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** Values that are unpacked at once. */
    private static final int PIECE = 1 << 16;
    /** Scales from there on are no part of the type. */
    private static final float LIMIT = 0x1p8f;

    private final Tensor values;
    private final Tensor scales;
    private final long matrices;
    private final long blockRows;
    private final long blockCols;
    private final long from;
    private final long rows;

    /**
     * Of values and the scales of their blocks.
     *
     * @param values of a type that can be read
     * @param scales of such a type too: a row for each row of blocks, with a scale for each block in it; those of all matrices one after another
     * @param matrices how many matrices the values are, at least 1
     * @param blockRows rows of a block; the last block of a matrix may have fewer
     * @param blockCols columns of a block; the last block of a row may have fewer
     * @throws IllegalArgumentException if the scales are not as many as the blocks
     */
    public Scaled(Tensor values, Tensor scales, long matrices, long blockRows, long blockCols) {
        this(values, scales, matrices, blockRows, blockCols, 0, values.rows());
        if (matrices < 1 || values.rows() % matrices != 0 || blockRows < 1 || blockCols < 1) {
            throw new IllegalArgumentException("tensor " + values.name() + " of " + values.rows() + " rows is no " + matrices
                    + " matrices in blocks of " + blockRows + " x " + blockCols);
        }
        if (scales.rows() != gridRows() * matrices || scales.cols() != Math.ceilDiv(values.cols(), blockCols)) {
            throw new IllegalArgumentException("tensor " + values.name() + " has scales of " + scales.rows() + " x " + scales.cols() + ", must have "
                    + gridRows() * matrices + " x " + Math.ceilDiv(values.cols(), blockCols));
        }
    }

    private Scaled(Tensor values, Tensor scales, long matrices, long blockRows, long blockCols, long from, long rows) {
        this.values = values;
        this.scales = scales;
        this.matrices = matrices;
        this.blockRows = blockRows;
        this.blockCols = blockCols;
        this.from = from;
        this.rows = rows;
    }

    private long matrixRows() {
        return values.rows() / matrices;
    }

    private long gridRows() {
        return Math.ceilDiv(matrixRows(), blockRows);
    }

    /** The row of scales of a row. */
    private long gridRow(long row) {
        return row / matrixRows() * gridRows() + row % matrixRows() / blockRows;
    }

    @Override
    public DType type() {
        int run = DType.F8_64.blockElements();
        boolean whole = values.cols() % run == 0 && (blockCols % run == 0 || scales.cols() == 1);
        return values.type() == DType.F8_E4M3 && values.rows() > 1 && whole ? DType.F8_64 : DType.BF16;
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public long cols() {
        return values.cols();
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if a scale is finite, and 256 or above, and the type {@link DType#F8_64}
     */
    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows);
        Objects.checkFromIndexSize(0, type().bytes(count * cols()), to.byteSize());
        if (type() == DType.F8_64) {
            blocks(from + row, count, to);
        } else {
            products(from + row, count, to);
        }
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(values.data(), scales.data());
    }

    private void blocks(long row, long count, MemorySegment to) {
        int run = DType.F8_64.blockElements();
        int bytes = DType.F8_64.blockBytes();
        var grid = new float[Math.toIntExact(scales.cols())];
        long known = -1;
        long at = 0;
        for (long r = row; r < row + count; r++) {
            if (gridRow(r) != known) {
                known = gridRow(r);
                scales(known, grid);
            }
            for (long c = 0; c < cols(); c += run, at += bytes) {
                to.set(FLOAT, at, grid[(int) (c / blockCols)]);
                MemorySegment.copy(values.data(), r * cols() + c, to, at + Float.BYTES, run);
            }
        }
    }

    private void scales(long gridRow, float[] grid) {
        scales.decode(gridRow, 1, grid, 0);
        for (float d : grid) {
            if (Math.abs(d) >= LIMIT && Float.isFinite(d)) {
                throw new IllegalArgumentException("tensor " + scales.name() + " holds " + d + "; scales of " + values.type()
                        + " are supported below 256: use the model in another format");
            }
        }
    }

    private void products(long row, long count, MemorySegment to) {
        int cols = Math.toIntExact(cols());
        int piece = (int) Math.min(Math.max(1, PIECE / Math.max(1, cols)), Math.max(1, count));
        var products = new float[Math.multiplyExact(piece, cols)];
        var grid = new float[Math.toIntExact(scales.cols())];
        Encoder encoder = Encoder.of(DType.BF16).orElseThrow();
        for (long done = 0; done < count; done += piece) {
            int n = (int) Math.min(piece, count - done);
            multiply(row + done, n, products, grid);
            encoder.encode(products, 0, n * cols, to, DType.BF16.bytes(done * cols));
        }
    }

    private void multiply(long row, int count, float[] products, float[] grid) {
        int cols = Math.toIntExact(cols());
        values.decode(row, count, products, 0);
        long known = -1;
        for (int r = 0; r < count; r++) {
            if (gridRow(row + r) != known) {
                known = gridRow(row + r);
                scales.decode(known, 1, grid, 0);
            }
            for (int block = 0, c = r * cols; block < grid.length; block++) {
                int end = (int) Math.min((r + 1L) * cols, c + blockCols);
                for (; c < end; c++) {
                    products[c] *= grid[block];
                }
            }
        }
    }

    @Override
    public Scaled rows(long start, long end) {
        if (start < 0 || end > rows || start >= end) {
            throw new IllegalArgumentException("rows " + start + " to " + end + " of tensor " + values.name() + ", which has " + rows);
        }
        return new Scaled(values, scales, matrices, blockRows, blockCols, from + start, end - start);
    }
}
