package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.StoredMatrix;
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

    /** Some rows of a matrix, and the activations for it if it is rearranged: found here, for to look them up takes an object or two. */
    private record Piece(Matrix matrix, Optional<BlockRows> arranged, int from, int to, Target target) {
    }

    private final Rows in;
    private final Value.Rows kind;
    private final KernelChoice kernels;
    private final Piece[] pieces;

    /**
     * A step.
     *
     * @param arranged the same rows as {@code in}, for matrices that are rearranged
     */
    LinearOp(Rows out, Rows in, Map<TokenFormat, BlockRows> arranged, Optional<Rows> residual, Value.Rows kind, List<Matrix> matrices,
            KernelChoice kernels,
               int threads) {
        this.in = in;
        this.kind = kind;
        this.kernels = kernels;
        int rows = Math.max(MIN_ROWS, Math.ceilDiv(out.width(), threads * PER_THREAD * MIN_ROWS) * MIN_ROWS);
        var list = new ArrayList<Piece>();
        int column = 0;
        for (Matrix m : matrices) {
            var target = new Target(out, column, residual);
            Optional<BlockRows> x = m instanceof PackedMatrix p ? Optional.of(arranged.get(kernels.packed().orElseThrow().tokens(p.type())))
                    : Optional.empty();
            for (int r = 0; r < m.rows(); r += rows) {
                list.add(new Piece(m, x, r, Math.min(m.rows(), r + rows), target));
            }
            column += m.rows();
        }
        // Members of a team begin with shares of this list. So each computes, of every matrix, the part that it has rearranged, and that
        // goes with its parts of the others: a gate with what it is multiplied by.
        list.sort(Comparator.comparingDouble(p -> (double) p.from / p.matrix.rows()));
        pieces = list.toArray(Piece[]::new);
    }

    @Override
    public int tasks(StepBatch b) {
        return RowOps.rows(kind, b) == 0 ? 0 : pieces.length; // a chunk of a prompt wants no logits, and their matrix is the largest
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        Piece p = pieces[task];
        linear(b, p, p.to, ws);
    }

    @Override
    public void warmUp(StepBatch b, Workspace ws) {
        for (Piece p : pieces) {
            if (p.from == 0) {
                linear(b, p, Math.min(p.to, MIN_ROWS), ws);
            }
        }
    }

    private void linear(StepBatch b, Piece p, int to, Workspace ws) {
        int rows = RowOps.rows(kind, b);
        switch (p.matrix) {
            case StoredMatrix m -> kernels.kernels().linear(m, p.from, to, in, rows, p.target, ws);
            case PackedMatrix m -> kernels.packed().orElseThrow().linear(m, p.from, to, p.arranged.orElseThrow(), rows, p.target, ws);
        }
    }
}
