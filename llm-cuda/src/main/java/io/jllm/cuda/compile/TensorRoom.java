package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.BlocksKernels;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.kernels.attention.RotatedKernels;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.spi.Backend.RunnerOptions;
import java.util.List;
import java.util.Optional;

/**
 * Device memory for products by many rows on tensor cores, of which one runs at a time: rows of 16 bits with their scales, and one matrix of 16 bits,
 * to which quantised ones are expanded.
 *
 * @param address where it starts
 * @param rows the most that meet a matrix
 * @param pitch the most values of a row, in all its pieces
 * @param matrixBytes of the largest matrix that is expanded
 * @param angleBytes of a row, for products that rotate heads
 * @param pieces of a row: 1 where values are rounded to 16 bits, 2 where what is left of them counts too
 */
public record TensorRoom(long address, int rows, int pitch, long matrixBytes, int angleBytes, int pieces) {
    private static final int ALIGNMENT = 256;

    /**
     * What a program needs, at no address yet; nothing if it has no use for such products.
     *
     * @param pieces of a row, 1 or 2
     */
    public static Optional<TensorRoom> of(Program program, WeightPlan plan, Kernels kernels, RunnerOptions options, int pieces) {
        int rows = 0;
        int pitch = 0;
        long matrixBytes = 0;
        int angleBytes = 0;
        for (Op op : program.ops()) {
            if (op instanceof HeadOp.RopeStoreKv r) {
                angleBytes = Math.max(angleBytes, RotatedKernels.angleBytes(r.shape().headDim()));
            }
            if (op instanceof Op.Linear l) {
                for (List<Weight> run : plan.runs(l)) {
                    WeightPlan.Matrix m = plan.matrix(run.stream().map(Weight::name).toList());
                    if (m.format().operand().isPresent()) {
                        rows = Math.max(rows, l.out().rows() == Value.Rows.TOKENS ? options.maxTokensPerStep() : options.maxLogitRows());
                        pitch = Math.max(pitch, pitch(kernels, m, pieces));
                        boolean expands = takes(m, l.out().rows()) && !m.format().dense();
                        matrixBytes = Math.max(matrixBytes, expands ? (long) m.rows() * m.cols() * Short.BYTES : 0);
                    }
                }
            }
        }
        return rows > TensorKernels.MOST_FEWER ? Optional.of(new TensorRoom(0, rows, pitch, matrixBytes, angleBytes, pieces)) : Optional.empty();
    }

    /** Values of a row that meets a matrix, however it lies. */
    private static int pitch(Kernels kernels, WeightPlan.Matrix m, int pieces) {
        int plain = TensorKernels.pitch(kernels, m.cols(), pieces);
        return m.format().dense() ? plain : BlocksKernels.pitch(kernels, m.cols()).map(p -> Math.max(p, plain)).orElse(plain);
    }

    /**
     * Whether a matrix that meets rows of a kind becomes 16 bits for tensor cores, if it is not so yet. The head, which may be the largest matrix, is
     * never expanded.
     */
    static boolean takes(WeightPlan.Matrix m, Value.Rows kind) {
        return m.format().operand().isPresent() && (kind == Value.Rows.TOKENS || m.format().dense());
    }

    /** Whether there are matrices of blocks, which become one of 16 bits first. */
    boolean expands() {
        return matrixBytes > 0;
    }

    /** The same at an address, a multiple of 256. */
    public TensorRoom at(long address) {
        return new TensorRoom(address, rows, pitch, matrixBytes, angleBytes, pieces);
    }

    /** How much it is. */
    public long bytes() {
        return operandBytes() + scaleBytes() + aligned(matrixBytes) + (long) rows * angleBytes;
    }

    private long operandBytes() {
        return aligned((long) rows * pitch * Short.BYTES);
    }

    private long scaleBytes() {
        return aligned((long) rows * Float.BYTES);
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    /** Rows of 16 bits of so many columns. */
    TensorKernels.Operand operand(Kernels kernels, DeviceFormat type, int cols) {
        return new TensorKernels.Operand(type, address, address + operandBytes(), 1, rows, cols, pieces, TensorKernels.pitch(kernels, cols, pieces));
    }

    /** The same without scales, for values that the type holds as they are. */
    TensorKernels.Operand unscaled(Kernels kernels, DeviceFormat type, int cols) {
        return new TensorKernels.Operand(type, address, 0, 1, rows, cols, pieces, TensorKernels.pitch(kernels, cols, pieces));
    }

    /** The same place for rows that meet matrices of blocks as they are, if there are kernels for that and rows are in one piece. */
    Optional<BlocksKernels.Place> place(Kernels kernels, int cols) {
        return pieces > 1 ? Optional.empty()
                : BlocksKernels.pitch(kernels, cols).map(p -> new BlocksKernels.Place(address, address + operandBytes(), rows, p));
    }

    /** Where a matrix is expanded to. */
    long matrix() {
        return address + operandBytes() + scaleBytes();
    }

    /** Where angles of rows are. */
    long angles() {
        return matrix() + aligned(matrixBytes);
    }
}
