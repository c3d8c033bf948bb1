package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Floats of 8 bits, each times the scale of the block, the row or the tensor that it is in. What is read is the product in single precision,
 * rounded to {@link DType#BF16}, as the checkpoints' own programs unpack it. Nothing is unpacked but what is asked for.
 *
 * <p>The blocks of a tensor of more than two dimensions begin anew with each of its matrices.
 */
public final class Scaled implements Part {
    /** Values that are unpacked at once. */
    private static final int PIECE = 1 << 16;

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

    @Override
    public DType type() {
        return DType.BF16;
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public long cols() {
        return values.cols();
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows);
        Objects.checkFromIndexSize(0, type().bytes(count * cols()), to.byteSize());
        int cols = Math.toIntExact(cols());
        int piece = (int) Math.min(Math.max(1, PIECE / Math.max(1, cols)), Math.max(1, count));
        var products = new float[Math.multiplyExact(piece, cols)];
        var grid = new float[Math.toIntExact(scales.cols())];
        Encoder encoder = Encoder.of(type()).orElseThrow();
        for (long done = 0; done < count; done += piece) {
            int n = (int) Math.min(piece, count - done);
            multiply(from + row + done, n, products, grid);
            encoder.encode(products, 0, n * cols, to, type().bytes(done * cols));
        }
    }

    private void multiply(long row, int count, float[] products, float[] grid) {
        int cols = Math.toIntExact(cols());
        values.decode(row, count, products, 0);
        long known = -1;
        for (int r = 0; r < count; r++) {
            long gridRow = (row + r) / matrixRows() * gridRows() + (row + r) % matrixRows() / blockRows;
            if (gridRow != known) {
                scales.decode(gridRow, 1, grid, 0);
                known = gridRow;
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
