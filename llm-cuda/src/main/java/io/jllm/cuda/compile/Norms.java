package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.BlocksKernels;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.ExpertKernels;
import io.jllm.cuda.kernels.MixtureKernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.RowKernels;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.SumKernels;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.ExpertOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Compiles norms by root mean square: of a value, or of those of its rows whose logits are wanted; and for few rows a norm, the product behind it
 * that scores experts, and the choice among these as one launch.
 */
final class Norms {
    /** How many ops {@link #choice} does. */
    static final int CHOICE_OPS = 3;

    private final Program program;
    private final DeviceState state;
    private final Values values;
    private final Mode mode;
    private final RowKernels kernels;
    private final ProductKernels products;
    private final ExpertOps experts;
    /** Products whose rows the op right before them leaves as their kernels meet them. */
    private final Set<Op.Linear> ready = new HashSet<>();

    Norms(Program program, DeviceState state, Values values, Mode mode, RowKernels kernels, ProductKernels products, ExpertOps experts) {
        this.program = program;
        this.state = state;
        this.values = values;
        this.mode = mode;
        this.kernels = kernels;
        this.products = products;
        this.experts = experts;
    }

    /** The value whose rows it reads: that of which those before have selected some, if it picks them itself. */
    Value input(Op.RmsNorm n) {
        return program.ops().stream().filter(op -> op.out().equals(n.in()) && op instanceof Op.SelectRows s && values.onlyNormed(s))
                .map(op -> ((Op.SelectRows) op).in()).findFirst().orElse(n.in());
    }

    /** Where the numbers of those rows are; 0 if it reads all. */
    long rowIndex(Op.RmsNorm n) {
        return input(n).equals(n.in()) ? 0 : state.at(Field.LOGIT_ROW);
    }

    /**
     * As floats, bytes or both, as its readers want it; and for a product by matrices of blocks, as that meets many of few rows.
     *
     * @param next the ops behind it
     */
    RowsLaunch launch(Op.RmsNorm n, List<Op> next) {
        RowsLaunch norm = kernels.norm(values.rows(input(n)), rowIndex(n), state.vector(n.weight()), n.eps(), values.outputs(n.out()),
                n.out().width());
        if (rowIndex(n) != 0) {
            return norm;
        }
        return laid(n, next).map(to -> products.normed(norm, to, values.rows(n.in()), state.norm(n), values.outputs(n.out()), n.out().width()))
                .orElse(norm);
    }

    /**
     * Where an op of a few rows may leave what it makes laid down, beside bytes, for the product behind it by matrices of blocks, which then finds it
     * there if there are many of them; nothing if there is no such product.
     *
     * @param next the ops behind it
     */
    Optional<BlocksKernels.Place> laid(Op op, List<Op> next) {
        if (mode != Mode.FEW || values.isAdapted() || next.isEmpty() || !(next.getFirst() instanceof Op.Linear l) || !l.in().equals(op.out())
                || values.ordered(op.out()).isPresent()) {
            return Optional.empty();
        }
        List<WeightPlan.Matrix> all = state.plan().runs(l).stream().map(state::matrix).toList();
        Optional<BlocksKernels.Place> place = all.stream().anyMatch(w -> w.format().dense() || w.ordered() || w.outliers() > 0) ? Optional.empty()
                : products.laid(all.stream().map(WeightPlan.Matrix::format).toList(), op.out().width());
        place.ifPresent(_ -> ready.add(l));
        return place;
    }

    /**
     * The norm behind a mixture of few rows, which is done with its sum, if that is what comes next and a product reads it: in pieces, if that meets
     * such.
     *
     * @param ops behind the mixture
     */
    Optional<SumKernels.Norm> behind(Mixture m, List<Op> ops) {
        if (mode != Mode.FEW || values.isAdapted() || ops.size() < 2 || !(ops.getFirst() instanceof Op.RmsNorm n)
                || !(ops.get(1) instanceof Op.Linear l) || !n.in().equals(m.sum().out()) || !l.in().equals(n.out()) || values.wantsBytes(n.in())
                || values.ordered(n.out()).isPresent() || !SumKernels.norms(n.out().width()) || !fits(l)) {
            return Optional.empty();
        }
        List<WeightPlan.Matrix> all = state.plan().runs(l).stream().map(state::matrix).toList();
        WeightPlan.Matrix first = all.getFirst();
        boolean same = all.stream().allMatch(w -> w.format() == first.format() && w.format().bits16() && !w.ordered() && w.outliers() == 0);
        List<MixtureKernels.Split> pieces = same ? products.pieces(state.weights(first, first.rows())) : List.of();
        if (!pieces.isEmpty()) {
            ready.add(l);
        }
        return Optional.of(new SumKernels.Norm(state.norm(n), values.outputs(n.out()), pieces));
    }

    /** Not a product that scores experts, of which a kernel does the norm. */
    private boolean fits(Op.Linear l) {
        return state.plan().runs(l).stream().noneMatch(run -> state.matrix(run).format() == DeviceFormat.F32);
    }

    /** Whether the op right before a product leaves its rows as kernels meet them, in pieces or laid down, beside floats and bytes. */
    boolean leavesReady(Op.Linear l) {
        return ready.contains(l);
    }

    /**
     * A norm, a product and a choice, if the first ops of a list are these, and there is a kernel for them.
     *
     * @return an op in place of the first {@link #CHOICE_OPS} of them
     */
    Optional<CompiledOp> choice(List<Op> ops) {
        if (mode.anyBatch() || values.isAdapted() || ops.size() < CHOICE_OPS || !(ops.getFirst() instanceof Op.RmsNorm n)
                || !(ops.get(1) instanceof Op.Linear l) || !(ops.get(2) instanceof ExpertOp.Route r) || !l.in().equals(n.out())
                || !r.logits().equals(l.out()) || l.residual().isPresent() || values.ordered(n.out()).isPresent()) {
            return Optional.empty();
        }
        List<Weight> run = state.plan().runs(l).getFirst();
        WeightPlan.Matrix w = state.matrix(run);
        if (run.size() != l.weights().size() || w.format() != DeviceFormat.F32 || w.ordered() || w.outliers() > 0) {
            return Optional.empty();
        }
        ProductKernels.Weights matrix = state.weights(w, w.rows());
        if (!experts.chooses(matrix)) {
            return Optional.empty();
        }
        Optional<MixtureKernels.Split> split = ops.size() > CHOICE_OPS ? experts.expected(ops.get(CHOICE_OPS), n.out()) : Optional.empty();
        RowsLaunch one = experts.choose(new ExpertKernels.Scored(values.rows(input(n)), rowIndex(n), state.vector(n.weight()), n.eps(),
                values.outputs(n.out()), matrix, state.bias(run), split), r);
        return Optional.of(new CompiledOp.OfRows(one, r.out().rows()));
    }
}
