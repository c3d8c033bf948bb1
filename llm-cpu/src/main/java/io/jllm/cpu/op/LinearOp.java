package io.jllm.cpu.op;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Matrix products side by side. An iteration is a range of rows of one matrix, for all tokens, so each weight is read once. */
final class LinearOp implements CompiledOp {
    /** Iterations for each thread: enough that a thread that is held up costs the others little. */
    private static final int PER_THREAD = 8;
    static final int MIN_ROWS = 16;

    /** What is done with products as soon as they are there. */
    @FunctionalInterface
    interface Then {
        /** Nothing. */
        Then NOTHING = (_, _, _) -> { };

        /** Outputs {@code from} (inclusive, a multiple of 16) to {@code to} (exclusive) of a matrix are there, for all rows. */
        void accept(int matrix, int from, int to);
    }

    /** Some rows of matrix {@code number} of the op, which has {@code rows}. */
    private record Piece(Product product, int number, int rows, int from, int to, Target target) {
    }

    private final Value.Rows kind;
    private final Piece[] pieces;
    private final String name;
    private final long weightBytes;
    private final Then then;

    /**
     * A step.
     *
     * @param arranged the same rows as {@code in}, for matrices that are rearranged
     * @param first where in a row of {@code out} the results of the first matrix start
     * @param then is told of matrices by their place in the list
     */
    LinearOp(Rows out, Rows in, Map<TokenFormat, BlockRows> arranged, Optional<Rows> residual, Value.Rows kind, List<Matrix> matrices, int first,
            Then then, CpuKernels kernels, int threads) {
        this.kind = kind;
        this.then = then;
        name = matrices.stream().map(m -> m.rows() + " x " + m.cols()).collect(Collectors.joining(", ", "Linear ", ""));
        weightBytes = matrices.stream().mapToLong(Matrix::bytes).sum();
        int rows = piece(out.width(), threads);
        var list = new ArrayList<Piece>();
        int column = first;
        for (int i = 0; i < matrices.size(); i++) {
            Matrix m = matrices.get(i);
            var target = new Target(out, column, residual);
            Product product = Product.of(m, in, arranged, kernels);
            for (int r = 0; r < m.rows(); r += rows) {
                list.add(new Piece(product, i, m.rows(), r, Math.min(m.rows(), r + rows), target));
            }
            column += m.rows();
        }
        // Members of a team begin with shares of this list. So each computes, of every matrix, the part that it has rearranged, and that
        // goes with its parts of the others: a gate with what it is multiplied by.
        list.sort(Comparator.comparingDouble(p -> (double) p.from / p.rows));
        pieces = list.toArray(Piece[]::new);
    }

    /** Rows of an iteration, where so many are shared out. */
    static int piece(int rows, int threads) {
        return Math.max(MIN_ROWS, Math.ceilDiv(rows, threads * PER_THREAD * MIN_ROWS) * MIN_ROWS);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long weightBytes() {
        return weightBytes;
    }

    @Override
    public int tasks(StepBatch b) {
        return RowOps.rows(kind, b) == 0 ? 0 : pieces.length; // a chunk of a prompt wants no logits, and their matrix is the largest
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        Piece p = pieces[task];
        p.product.linear(p.from, p.to, 0, RowOps.rows(kind, b), p.target, 0, ws);
        then.accept(p.number, p.from, p.to);
    }

    @Override
    public void warmUp(StepBatch b, Workspace ws) {
        for (Piece p : pieces) {
            if (p.from == 0) {
                p.product.linear(p.from, Math.min(p.to, MIN_ROWS), 0, RowOps.rows(kind, b), p.target, 0, ws);
            }
        }
    }
}
