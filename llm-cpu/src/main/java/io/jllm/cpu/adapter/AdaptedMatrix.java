package io.jllm.cpu.adapter;

import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.adapter.ReplacedRows;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.layout.Rows;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A change of a matrix, as kernels want it, in memory of the adapter's.
 *
 * @param whole takes the place of the matrix, with the model's bias
 * @param thin what inputs are multiplied by: the first of two matrices of low rank, or the rows that take the place of others
 * @param up the second of the two, transposed and scaled: for each of the rank a row of floats, one for each output; empty for rows
 * @param replaced which rows take others' places
 * @param gain a factor for each output, or none
 * @param shift a summand for each output, or none
 */
record AdaptedMatrix(Optional<StoredMatrix> whole, Optional<StoredMatrix> thin, MemorySegment up, int[] replaced, float[] gain, float[] shift) {
    private static final long ALIGNMENT = 64;
    private static final int[] NO_ROWS = {};
    private static final float[] NO_BIAS = {};

    /** Of a matrix that is multiplied with. */
    static AdaptedMatrix ofProduct(Change c, float[] bias, Arena arena) {
        Optional<StoredMatrix> thin = c.lowRank().map(LowRank::down).or(() -> c.rows().map(ReplacedRows::values))
                .map(w -> StoredMatrix.of(floats(w, arena), NO_BIAS));
        return of(c, thin, c.lowRank().map(low -> transposed(low.up(), low.scale(), arena)), bias, arena);
    }

    /** Of a table: there the thin matrix has a row for each token. */
    static AdaptedMatrix ofTable(Change c, Arena arena) {
        Optional<StoredMatrix> thin = c.lowRank().map(low -> table(low.down(), arena))
                .or(() -> c.rows().map(rows -> StoredMatrix.of(floats(rows.values(), arena), NO_BIAS)));
        return of(c, thin, c.lowRank().map(low -> transposed(low.up(), low.scale(), arena)), NO_BIAS, arena);
    }

    private static AdaptedMatrix of(Change c, Optional<StoredMatrix> thin, Optional<MemorySegment> up, float[] bias, Arena arena) {
        return new AdaptedMatrix(c.whole().map(w -> StoredMatrix.of(copied(w, arena), bias)), thin, up.orElse(MemorySegment.NULL),
                c.rows().map(ReplacedRows::numbers).orElse(NO_ROWS), c.gain(), c.shift());
    }

    private static StoredMatrix table(Weights down, Arena arena) {
        MemorySegment data = transposed(down, 1, arena);
        return StoredMatrix.of(new Tensor(down.name(), DType.F32, down.cols(), down.rows(), data), NO_BIAS);
    }

    private static MemorySegment transposed(Weights w, float factor, Arena arena) {
        int rows = Math.toIntExact(w.rows());
        int cols = Math.toIntExact(w.cols());
        MemorySegment to = arena.allocate(DType.F32.bytes((long) rows * cols), ALIGNMENT);
        var row = new float[cols];
        for (int r = 0; r < rows; r++) {
            w.decode(r, 1, row, 0);
            for (int c = 0; c < cols; c++) {
                to.set(Rows.FLOAT, ((long) c * rows + r) * Float.BYTES, factor * row[c]);
            }
        }
        return to;
    }

    /** As floats: adapters are small, and floats need no decoding. */
    private static Tensor floats(Weights w, Arena arena) {
        int cols = Math.toIntExact(w.cols());
        MemorySegment to = arena.allocate(DType.F32.bytes(w.rows() * cols), ALIGNMENT);
        var row = new float[cols];
        for (int r = 0; r < w.rows(); r++) {
            w.decode(r, 1, row, 0);
            MemorySegment.copy(row, 0, to, Rows.FLOAT, (long) r * cols * Float.BYTES, cols);
        }
        return new Tensor(w.name(), DType.F32, w.rows(), cols, to);
    }

    /** As it is stored, if it is a plain tensor. */
    private static Tensor copied(Weights w, Arena arena) {
        return w instanceof Tensor t ? new Tensor(t.name(), t.type(), t.rows(), t.cols(),
                arena.allocate(t.bytes(), ALIGNMENT).copyFrom(t.data())) : floats(w, arena);
    }

    /** Bytes of a change; 0 if there is none. */
    static long bytes(AdaptedMatrix m) {
        return m == null ? 0 : m.whole.map(StoredMatrix::bytes).orElse(0L) + m.thin.map(StoredMatrix::bytes).orElse(0L) + m.up.byteSize()
                + (long) Float.BYTES * (m.gain.length + m.shift.length + m.replaced.length);
    }

    /** The rank, or the number of replaced rows. */
    int thinRows() {
        return thin.map(StoredMatrix::rows).orElse(0);
    }

    /** Whether a product must be known apart from the residual that it was added to. */
    boolean needsResidual() {
        return whole.isPresent() || gain.length > 0 || replaced.length > 0;
    }
}
