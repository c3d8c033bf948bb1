package io.jllm.cpu.op;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.kernels.StoredProducts;
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

/** Matrix products side by side. An iteration is a range of rows of one matrix, for all tokens, so each weight is read once. */
final class LinearOp implements CompiledOp {
    /** Iterations for each thread: enough that a thread that is held up costs the others little. */
    private static final int PER_THREAD = 8;
    private static final int MIN_ROWS = 16;

    /** A matrix and the activations that it is multiplied by: found beforehand, for to look them up takes an object or two. */
    private interface Product {
        void linear(int from, int to, int tokens, Target target, Workspace ws);
    }

    /** Some rows of a matrix of {@code rows}. */
    private record Piece(Product product, int rows, int from, int to, Target target) {
    }

    private final Value.Rows kind;
    private final Piece[] pieces;

    /**
     * A step.
     *
     * @param arranged the same rows as {@code in}, for matrices that are rearranged
     */
    LinearOp(Rows out, Rows in, Map<TokenFormat, BlockRows> arranged, Optional<Rows> residual, Value.Rows kind, List<Matrix> matrices,
            CpuKernels kernels, int threads) {
        this.kind = kind;
        int rows = Math.max(MIN_ROWS, Math.ceilDiv(out.width(), threads * PER_THREAD * MIN_ROWS) * MIN_ROWS);
        var list = new ArrayList<Piece>();
        int column = 0;
        for (Matrix m : matrices) {
            var target = new Target(out, column, residual);
            Product product = product(m, in, arranged, kernels);
            for (int r = 0; r < m.rows(); r += rows) {
                list.add(new Piece(product, m.rows(), r, Math.min(m.rows(), r + rows), target));
            }
            column += m.rows();
        }
        // Members of a team begin with shares of this list. So each computes, of every matrix, the part that it has rearranged, and that
        // goes with its parts of the others: a gate with what it is multiplied by.
        list.sort(Comparator.comparingDouble(p -> (double) p.from / p.rows));
        pieces = list.toArray(Piece[]::new);
    }

    private static Product product(Matrix matrix, Rows in, Map<TokenFormat, BlockRows> arranged, CpuKernels kernels) {
        return switch (matrix) {
            case StoredMatrix m -> {
                StoredProducts products = kernels.stored();
                yield (from, to, tokens, target, ws) -> products.linear(m, from, to, in, tokens, target, ws);
            }
            case PackedMatrix m -> {
                PackedProducts products = kernels.packed(m.format()).orElseThrow();
                BlockRows x = arranged.get(products.tokens());
                yield (from, to, tokens, target, ws) -> products.linear(m, from, to, x, tokens, target, ws);
            }
        };
    }

    @Override
    public int tasks(StepBatch b) {
        return RowOps.rows(kind, b) == 0 ? 0 : pieces.length; // a chunk of a prompt wants no logits, and their matrix is the largest
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        Piece p = pieces[task];
        p.product.linear(p.from, p.to, RowOps.rows(kind, b), p.target, ws);
    }

    @Override
    public void warmUp(StepBatch b, Workspace ws) {
        for (Piece p : pieces) {
            if (p.from == 0) {
                p.product.linear(p.from, Math.min(p.to, MIN_ROWS), RowOps.rows(kind, b), p.target, ws);
            }
        }
    }
}
