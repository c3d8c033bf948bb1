package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.attention.AttentionCut;
import io.jllm.cuda.kernels.attention.AttentionKernels;
import io.jllm.cuda.kernels.attention.DecodeKernels;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Neighbouring ops of a program that one kernel can do for a few rows: a norm with the product behind it, a product of gate and up with its
 * activation, rotation with attention. Each pattern is used where the kernels for it were compiled, and where nobody else reads what stands between
 * the ops.
 *
 * <p>A fused kernel reads its input while it writes its output, so the plan of buffers must keep inputs for {@link #LINGER} more ops.
 */
public final class Fusion {
    /** Ops for which a value must stay where it is after the last one that reads it. */
    public static final int LINGER = 3;
    /** Rows of a matrix that chains read together; none of them may be both of gate and of up. */
    private static final int ROWS_TOGETHER = 4;
    /** Activations that the kernels of products know: more would make them slower. */
    private static final Set<Op.Activation> FUSED = Set.of(Op.Activation.SILU, Op.Activation.GELU_TANH);

    private final DeviceState state;
    private final Values values;
    private final Mode mode;
    private final CompiledOps compiled;
    private final ProductKernels products;
    private final Norms norms;
    private final Ordering ordering;
    private final DecodeKernels attention;
    private final AttentionCut cut;
    private final Optional<TensorOps> tensors;

    /** Adds what it compiles to the ops that are compiled. */
    Fusion(DeviceState state, Values values, Mode mode, CompiledOps compiled, ProductKernels products, Norms norms, Ordering ordering,
            DecodeKernels attention, AttentionCut cut, Optional<TensorOps> tensors) {
        this.state = state;
        this.values = values;
        this.mode = mode;
        this.compiled = compiled;
        this.products = products;
        this.norms = norms;
        this.ordering = ordering;
        this.attention = attention;
        this.cut = cut;
        this.tensors = tensors;
    }

    /**
     * Compiles the first ops of a list into one, if there is a kernel for them.
     *
     * @return how many ops it has done; 0 if none
     */
    int compile(List<Op> ops) {
        if (mode.anyBatch()) {
            return ops.getFirst() instanceof Op.Linear l && values.multipliesMany(l) ? gatedByMany(ops, l) : 0;
        }
        return switch (ops.getFirst()) {
            case Op.SelectRows s when values.onlyNormed(s) && values.selectsNothing(s) -> {
                values.alias(s.out(), s.in());
                int done = normed(ops.subList(1, ops.size()));
                yield done == 0 ? 0 : 1 + done;
            }
            case Op.RmsNorm _ -> normed(ops);
            case Op.Linear l -> gated(ops, l, Optional.empty());
            case HeadOp.RopeStoreKv r -> rotated(ops, r);
            default -> 0;
        };
    }

    /** A norm and the product behind it, for one row. */
    private int normed(List<Op> ops) {
        if (mode != Mode.ONE || !(ops.getFirst() instanceof Op.RmsNorm n) || ops.size() < 2 || !(ops.get(1) instanceof Op.Linear l)
                || !values.feeds(n, l.in())
                || l.residual().isPresent()) {
            return 0;
        }
        int done = gated(ops.subList(1, ops.size()), l, Optional.of(n));
        if (done > 0) {
            return 1 + done;
        }
        List<List<Weight>> runs = state.plan().runs(l);
        if (values.wantsBytes(l.out())) {
            return 0;
        }
        return runs.stream().allMatch(state::chains) ? chained(n, l, runs) : normed(n, l, runs);
    }

    private int chained(Op.RmsNorm n, Op.Linear l, List<List<Weight>> runs) {
        int column = 0;
        for (List<Weight> run : runs) {
            compiled.product(l, run, column, Optional.of(n));
            column += state.matrix(run).rows();
        }
        return 2;
    }

    private int normed(Op.RmsNorm n, Op.Linear l, List<List<Weight>> runs) {
        var launches = new ArrayList<RowsLaunch>();
        int column = 0;
        for (List<Weight> run : runs) {
            WeightPlan.Matrix w = state.matrix(run);
            if (w.ordered() || w.outliers() > 0) {
                return 0;
            }
            products.normed(state.weights(w, w.rows()), values.rows(n.in()), state.norm(n), state.bias(run), values.rows(l.out()).from(column))
                    .ifPresent(launches::add);
            column += w.rows();
        }
        if (launches.size() < runs.size()) {
            return 0;
        }
        launches.forEach(launch -> compiled.add(new CompiledOp.OfRows(launch, l.out().rows())));
        return 2;
    }

    /** The activation behind a product of gate and up, if a kernel of products can do it, and no adapter changes what stands between them. */
    Optional<Op.GatedAct> activation(List<Op> ops, Op.Linear l) {
        List<List<Weight>> runs = state.plan().runs(l);
        return values.isAdapted(l) || ops.size() < 2 || !(ops.get(1) instanceof Op.GatedAct g) || !FUSED.contains(g.kind())
                || !values.feeds(l, g.gateUp()) || l.residual().isPresent() || runs.size() != 1 || state.bias(runs.getFirst()) != 0
                ? Optional.empty() : Optional.of(g);
    }

    /** A product of gate and up with its activation, for many rows. */
    private int gatedByMany(List<Op> ops, Op.Linear l) {
        Optional<Op.GatedAct> act = activation(ops, l);
        WeightPlan.Matrix w = state.matrix(state.plan().runs(l).getFirst());
        if (act.isEmpty() || values.wantsBytes(act.get().out()) || !TensorRoom.takes(w, l.out().rows())) {
            return 0;
        }
        Op.GatedAct g = act.get();
        ordering.op(w, l.in()).ifPresent(compiled::add);
        compiled.add(new CompiledOp.OfRows(tensors.orElseThrow().gated(l.in(), w, g.out(), g.kind()), g.out().rows()));
        return 2;
    }

    /** A product of gate and up with its activation, and for one row the norm before it if there is one. */
    private int gated(List<Op> ops, Op.Linear l, Optional<Op.RmsNorm> norm) {
        Optional<Op.GatedAct> act = activation(ops, l);
        if (act.isEmpty()) {
            return 0;
        }
        Op.GatedAct g = act.get();
        List<Weight> run = state.plan().runs(l).getFirst();
        Value y = g.out();
        if (mode == Mode.ONE && !values.wantsBytes(y) && state.chains(run) && y.width() % ROWS_TOGETHER == 0) {
            compiled.gated(l, run, g, norm);
            return 2;
        }
        WeightPlan.Matrix w = state.matrix(run);
        if (w.outliers() > 0) {
            return 0;
        }
        ProductKernels.Weights weights = state.weights(w, y.width());
        int kind = DeviceState.number(g.kind());
        if (norm.isPresent()) {
            Op.RmsNorm n = norm.get();
            Optional<RowsLaunch> one = w.ordered() ? Optional.empty()
                    : products.gatedNormed(weights, values.rows(n.in()), state.norm(n), values.outputs(y), kind);
            one.ifPresent(launch -> compiled.add(new CompiledOp.OfRows(launch, y.rows())));
            return one.isPresent() ? 2 : 0;
        }
        if (!w.format().floats() && !w.ordered() && !values.wantsBytes(l.in())) {
            return 0;
        }
        Optional<RowsLaunch> few = products.gated(weights, ordering.rows(w, l.in()), values.outputs(y), kind,
                !w.format().dense() && norms.leavesReady(l));
        few.ifPresent(launch -> {
            ordering.op(w, l.in()).ifPresent(compiled::add);
            compiled.add(new CompiledOp.Product(launch, Optional.empty(), Optional.empty(), y.rows()));
        });
        return few.isPresent() ? 2 : 0;
    }

    /** Rotation and attention. */
    private int rotated(List<Op> ops, HeadOp.RopeStoreKv r) {
        if (ops.size() < 2 || !(ops.get(1) instanceof Op.PagedAttention a) || !values.feeds(r, a.q()) || a.layer() != r.layer() || !cut.rotates(r)
                || !cut.attends(a)) {
            return 0;
        }
        if (mode == Mode.ONE && !values.wantsBytes(a.out()) && state.chain().filter(c -> c.attends(a.shape().headDim())).isPresent()) {
            compiled.attention(r, a);
            return 2;
        }
        if (!attention.decodesRotated() || values.wantsBytes(a.out()) && !state.storesBytes(a.shape())) {
            return 0;
        }
        AttentionKernels.Scores scores = DeviceState.scores(a);
        DecodeKernels.Narrow narrow = Optional.of(scores).filter(attention::narrows).flatMap(_ -> norms.laid(a, ops.subList(2, ops.size())))
                .map(DecodeKernels.Narrow::of).orElse(DecodeKernels.Narrow.NONE);
        compiled.add(new AttentionOp(attention.decodeRotated(values.rows(r.qkv()), values.outputs(a.out()), narrow, state.pages(a.layer()),
                scores, state.partials(), state.rotation(r)), Optional.empty()));
        return 2;
    }
}
