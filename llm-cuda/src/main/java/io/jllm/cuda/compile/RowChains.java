package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.RowChainKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.memory.StepSize;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Products between two attentions, with their norms and activations, which one launch does for a few sequences with one token each. More sequences
 * take the same ops one by one.
 */
final class RowChains {
    private static final int LEAST_PRODUCTS = 2;

    private final DeviceState state;
    private final Values values;
    private final Fusion fusion;
    private final RowChainKernels kernels;

    RowChains(DeviceState state, Values values, Fusion fusion, Arena arena, RowChainKernels.Room room) {
        this.state = state;
        this.values = values;
        this.fusion = fusion;
        kernels = new RowChainKernels(state.kernels(), arena, room);
    }

    /**
     * Room for the chains of a program, at no address yet; nothing if it has no matrices for them, or the device cannot run them.
     *
     * @param plan of the weights
     */
    static Optional<RowChainKernels.Room> room(Program program, WeightPlan plan, Kernels kernels) {
        int width = program.ops().stream().filter(Op.Linear.class::isInstance).flatMap(op -> plan.runs((Op.Linear) op).stream())
                .map(run -> plan.matrix(run.stream().map(Weight::name).toList())).filter(w -> takes(w, kernels))
                .mapToInt(WeightPlan.Matrix::cols).max().orElse(0);
        int most = (int) program.ops().stream().filter(Op.Linear.class::isInstance).count() / LEAST_PRODUCTS;
        return width == 0 || most == 0 ? Optional.empty() : Optional.of(RowChainKernels.Room.of(kernels, width, most));
    }

    private static boolean takes(WeightPlan.Matrix w, Kernels kernels) {
        return w.format().bits16() && !w.ordered() && RowChainKernels.takes(w.cols()) && RowChainKernels.exist(kernels, w.format());
    }

    /**
     * A product with the norm before it and the activation behind it.
     *
     * @param x what it reads, before the norm
     * @param ops how many ops that are
     */
    private record Step(Value x, Optional<Op.RmsNorm> norm, Op.Linear linear, WeightPlan.Matrix matrix, List<Weight> run, Optional<Op.GatedAct> act,
            int ops) {
        Value out() {
            return act.map(Op.GatedAct::out).orElse(linear.out());
        }
    }

    /** Ops of a chain, and what more rows do instead. */
    private record Few(RowsLaunch chain, int most, List<CompiledOp> others) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            int rows = size.rows(Value.Rows.TOKENS);
            if (rows <= most) {
                chain.run(stream, rows);
            } else {
                others.forEach(op -> op.launch(stream, size));
            }
        }
    }

    /** How many of the first ops of a list a chain can do; 0 if none. */
    int length(List<Op> ops) {
        return steps(ops).stream().mapToInt(Step::ops).sum();
    }

    /**
     * The op of a chain.
     *
     * @param ops as many as {@link #length} said
     * @param others what they were compiled into one by one
     */
    CompiledOp compile(List<Op> ops, List<CompiledOp> others) {
        List<Step> steps = steps(ops);
        var products = new ArrayList<RowChainKernels.Product>();
        for (int i = 0; i < steps.size(); i++) {
            Step s = steps.get(i);
            // What a gated product makes goes to the next one alone.
            Rows y = s.act.isPresent() && i + 1 < steps.size() ? Rows.NONE : values.rows(s.out());
            products.add(new RowChainKernels.Product(state.weights(s.matrix, s.out().width()),
                    s.norm.map(n -> new ProductKernels.Norm(state.vector(n.weight()), n.eps())), state.bias(s.run),
                    s.linear.residual().map(values::rows).orElse(Rows.NONE), y, s.act.map(g -> DeviceState.number(g.kind())).orElse(-1)));
        }
        return new Few(kernels.chain(values.rows(steps.getFirst().x), products), RowChainKernels.mostRows(state.kernels()), others);
    }

    private List<Step> steps(List<Op> ops) {
        var steps = new ArrayList<Step>();
        int at = 0;
        while (at < ops.size() && steps.size() < kernels.mostProducts()) {
            Optional<Step> next = step(ops.subList(at, ops.size())).filter(s -> steps.isEmpty() || follows(steps.getLast(), s));
            if (next.isEmpty()) {
                break;
            }
            steps.add(next.get());
            at += next.get().ops;
        }
        return steps.size() < LEAST_PRODUCTS ? List.of() : steps;
    }

    private boolean follows(Step before, Step s) {
        return s.x.equals(before.out()) && s.matrix.format() == before.matrix.format()
                && (before.act.isEmpty() || s.norm.isEmpty() && values.feeds(before.act.get(), s.x));
    }

    private Optional<Step> step(List<Op> ops) {
        Optional<Op.RmsNorm> norm = ops.getFirst() instanceof Op.RmsNorm n ? Optional.of(n) : Optional.empty();
        int at = norm.isPresent() ? 1 : 0;
        if (at >= ops.size() || !(ops.get(at) instanceof Op.Linear l) || l.out().rows() != Value.Rows.TOKENS
                || norm.filter(n -> !values.feeds(n, l.in())).isPresent()) {
            return Optional.empty();
        }
        List<List<Weight>> runs = state.plan().runs(l);
        WeightPlan.Matrix w = state.matrix(runs.getFirst());
        Optional<Op.GatedAct> act = fusion.activation(ops.subList(at, ops.size()), l);
        Value out = act.map(Op.GatedAct::out).orElse(l.out());
        return runs.size() == 1 && takes(w, state.kernels()) && !values.wantsBytes(out)
                ? Optional.of(new Step(norm.map(Op.RmsNorm::in).orElse(l.in()), norm, l, w, runs.getFirst(), act, at + 1 + (act.isPresent() ? 1 : 0)))
                : Optional.empty();
    }
}
