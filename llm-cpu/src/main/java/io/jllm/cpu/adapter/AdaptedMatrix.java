package io.jllm.cpu.adapter;

import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.adapter.ReplacedRows;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.ThinRows;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.Optional;

/**
 * A change of a matrix, as kernels want it, in memory of the adapter's.
 *
 * @param whole takes the place of the matrix, with the model's bias
 * @param rows that take the place of others; or, of a table that changes by a product of low rank, what its tokens take of {@code up}
 * @param down the first of two matrices of low rank; none for tables
 * @param up the second of the two
 * @param scale what is multiplied by that before {@code up}
 * @param replaced which rows take others' places
 * @param gain a factor for each output, or none
 * @param shift a summand for each output, or none
 */
record AdaptedMatrix(Optional<StoredMatrix> whole, Optional<StoredMatrix> rows, Optional<ThinRows> down, Optional<ThinColumns> up, float scale,
        int[] replaced, float[] gain, float[] shift) {
    private static final long ALIGNMENT = 64;
    private static final int[] NO_ROWS = {};
    private static final float[] NO_BIAS = {};

    /** Of a matrix that is multiplied with. */
    static AdaptedMatrix ofProduct(Change c, float[] bias, AdapterMemory memory) {
        return of(c, replacing(c, memory.rest()), c.lowRank().map(low -> ThinRows.of(low.down(), memory.first())), bias, memory.rest());
    }

    /** Of a table. */
    static AdaptedMatrix ofTable(Change c, AdapterMemory memory) {
        Optional<StoredMatrix> tokens = c.lowRank().map(low -> StoredMatrix.of(transposed(low.down(), memory.rest()), NO_BIAS));
        return of(c, tokens.or(() -> replacing(c, memory.rest())), Optional.empty(), NO_BIAS, memory.rest());
    }

    private static AdaptedMatrix of(Change c, Optional<StoredMatrix> rows, Optional<ThinRows> down, float[] bias, SegmentAllocator memory) {
        return new AdaptedMatrix(c.whole().map(w -> StoredMatrix.of(copied(w, memory), bias)), rows, down,
                c.lowRank().map(low -> ThinColumns.of(low.up(), memory)), c.lowRank().map(LowRank::scale).orElse(1f),
                c.rows().map(ReplacedRows::numbers).orElse(NO_ROWS), c.gain(), c.shift());
    }

    private static Optional<StoredMatrix> replacing(Change c, SegmentAllocator memory) {
        return c.rows().map(rows -> StoredMatrix.of(floats(rows.values(), memory), NO_BIAS));
    }

    private static Tensor transposed(Weights w, SegmentAllocator memory) {
        int rows = Math.toIntExact(w.rows());
        int cols = Math.toIntExact(w.cols());
        MemorySegment to = memory.allocate(DType.F32.bytes((long) rows * cols), ALIGNMENT);
        var row = new float[cols];
        for (int r = 0; r < rows; r++) {
            w.decode(r, 1, row, 0);
            for (int c = 0; c < cols; c++) {
                to.set(Rows.FLOAT, ((long) c * rows + r) * Float.BYTES, row[c]);
            }
        }
        return new Tensor(w.name(), DType.F32, cols, rows, to);
    }

    private static Tensor floats(Weights w, SegmentAllocator memory) {
        int cols = Math.toIntExact(w.cols());
        MemorySegment to = memory.allocate(DType.F32.bytes(w.rows() * cols), ALIGNMENT);
        var row = new float[cols];
        for (int r = 0; r < w.rows(); r++) {
            w.decode(r, 1, row, 0);
            MemorySegment.copy(row, 0, to, Rows.FLOAT, (long) r * cols * Float.BYTES, cols);
        }
        return new Tensor(w.name(), DType.F32, w.rows(), cols, to);
    }

    /** As it is stored, if it is a plain tensor. */
    private static Tensor copied(Weights w, SegmentAllocator memory) {
        return w instanceof Tensor t ? new Tensor(t.name(), t.type(), t.rows(), t.cols(),
                memory.allocate(t.bytes(), ALIGNMENT).copyFrom(t.data())) : floats(w, memory);
    }

    /** Bytes of a change; 0 if there is none. */
    static long bytes(AdaptedMatrix m) {
        return m == null ? 0 : m.whole.map(StoredMatrix::bytes).orElse(0L) + m.rows.map(StoredMatrix::bytes).orElse(0L)
                + m.down.map(w -> w.data().byteSize()).orElse(0L) + m.up.map(w -> w.data().byteSize()).orElse(0L)
                + (long) Float.BYTES * (m.gain.length + m.shift.length + m.replaced.length);
    }

    /** How many numbers a row's input becomes on the way to its outputs. */
    int thin() {
        return down.map(w -> ThinRows.whole(w.rows())).orElse(replaced.length);
    }

    /** Whether a product must be known apart from the residual that it was added to. */
    boolean needsResidual() {
        return whole.isPresent() || gain.length > 0 || replaced.length > 0;
    }

    /** Whether a product changes otherwise than that another of low rank is added. */
    boolean needsFinish() {
        return needsResidual() || shift.length > 0;
    }
}
