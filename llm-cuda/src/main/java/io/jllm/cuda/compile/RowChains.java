package io.jllm.cuda.compile;

import io.jllm.cuda.adapter.Places;
import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.BlockChainKernels;
import io.jllm.cuda.kernels.ChainMemory;
import io.jllm.cuda.kernels.Kernels;
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
import java.util.function.UnaryOperator;

/**
 * Products between two attentions, with their norms and activations, which one launch does for a few sequences with one token each. More sequences
 * take the same ops one by one. In steps with adapters what these change is in no chain.
 */
final class RowChains {
    private static final int LEAST_PRODUCTS = 2;
    /** Rows from which on products are chained in steps with adapters, where those of a single row have no passes of their own. */
    private static final int LEAST_ADAPTED = 2;

    private final DeviceState state;
    private final Values values;
    private final Fusion fusion;
    private final Optional<RowChainKernels> dense;
    private final Optional<BlockChainKernels> blocks;
    private final Optional<AdapterRoom> adapters;

    RowChains(DeviceState state, Values values, Fusion fusion, Arena arena, Room room, Optional<AdapterRoom> adapters) {
        this.state = state;
        this.values = values;
        this.fusion = fusion;
        this.adapters = adapters;
        dense = room.dense.map(r -> new RowChainKernels(state.kernels(), arena, r));
        blocks = room.blocks.map(r -> new BlockChainKernels(state.kernels(), arena, r));
    }

    /**
     * Room for the chains of a program, by weights of 16 bits and by blocks.
     *
     * @param dense or nothing, where there are no such chains
     * @param blocks or nothing
     */
    public record Room(Optional<ChainMemory> dense, Optional<ChainMemory> blocks) {
        long bytes() {
            return dense.map(ChainMemory::bytes).orElse(0L) + blocks.map(ChainMemory::bytes).orElse(0L);
        }

        Room in(Context context, Owner owner) {
            UnaryOperator<ChainMemory> allocated = m -> m.in(owner.own(DeviceMemory.allocate(context, m.bytes(), "chains of rows")));
            return new Room(dense.map(allocated), blocks.map(allocated));
        }
    }

    /**
     * Room for the chains of a program, at no address yet; nothing if it has no matrices for them, or the device cannot run them.
     *
     * @param plan of the weights
     */
    static Optional<Room> room(Program program, WeightPlan plan, Kernels kernels) {
        List<WeightPlan.Matrix> all = program.ops().stream().filter(Op.Linear.class::isInstance).flatMap(op -> plan.runs((Op.Linear) op).stream())
                .map(run -> plan.matrix(run.stream().map(Weight::name).toList())).filter(w -> takes(w, kernels)).toList();
        int most = (int) program.ops().stream().filter(Op.Linear.class::isInstance).count() / LEAST_PRODUCTS;
        int dense = width(all, true);
        int blocks = width(all, false);
        return most == 0 || all.isEmpty() ? Optional.empty()
                : Optional.of(new Room(dense == 0 ? Optional.empty() : Optional.of(RowChainKernels.memory(kernels, dense, most)),
                        blocks == 0 ? Optional.empty() : Optional.of(BlockChainKernels.memory(kernels, blocks, most))));
    }

    private static int width(List<WeightPlan.Matrix> all, boolean dense) {
        return all.stream().filter(w -> w.format().dense() == dense).mapToInt(WeightPlan.Matrix::cols).max().orElse(0);
    }

    private static boolean takes(WeightPlan.Matrix w, Kernels kernels) {
        return !w.ordered() && w.outliers() == 0 && (w.format().bits16()
                ? RowChainKernels.takes(w.cols()) && RowChainKernels.exist(kernels, w.format())
                : !w.format().dense() && BlockChainKernels.exist(kernels, w.format()));
    }

    /**
     * A product with the norm before it and the activation behind it.
     *
     * @param x what it reads, before the norm
     * @param ops how many ops that are
     */
    private record Step(Value x, Optional<Op.RmsNorm> norm, Op.Linear linear, WeightPlan.Matrix matrix, List<Weight> run, Optional<Op.GatedAct> act,
            int ops) {
        boolean dense() {
            return matrix.format().dense();
        }

        Value out() {
            return act.map(Op.GatedAct::out).orElse(linear.out());
        }
    }

    /** Ops of a chain for {@code least} to {@code most} rows, and what others do instead. */
    private record Few(RowsLaunch chain, int least, int most, List<CompiledOp> others) implements CompiledOp {
        @Override
        public void launch(Stream stream, StepSize size) {
            int rows = size.rows(Value.Rows.TOKENS);
            if (rows >= least && rows <= most) {
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
                    s.norm.map(state::norm), state.bias(s.run),
                    s.linear.residual().map(values::rows).orElse(Rows.NONE), y, s.act.map(g -> DeviceState.number(g.kind())).orElse(-1)));
        }
        Rows x = values.rows(steps.getFirst().x);
        return steps.getFirst().dense()
                ? dense.map(k -> new Few(k.chain(x, products), least(), RowChainKernels.mostRows(state.kernels()), others)).orElseThrow()
                : blocks.map(k -> new Few(k.chain(x, products), least(), k.mostRows(), others)).orElseThrow();
    }

    private int least() {
        return adapters.isPresent() ? LEAST_ADAPTED : 1;
    }

    private List<Step> steps(List<Op> ops) {
        var steps = new ArrayList<Step>();
        int at = 0;
        while (at < ops.size() && (steps.isEmpty() || steps.size() < mostProducts(steps.getFirst()))) {
            Optional<Step> next = step(ops.subList(at, ops.size())).filter(s -> steps.isEmpty() ? begins(s) : follows(steps.getLast(), s));
            if (next.isEmpty()) {
                break;
            }
            steps.add(next.get());
            at += next.get().ops;
        }
        while (!steps.isEmpty() && values.wantsBytes(steps.getLast().out())) {
            steps.removeLast(); // bytes go to the next product of the chain alone
        }
        return steps.size() < LEAST_PRODUCTS ? List.of() : steps;
    }

    private int mostProducts(Step first) {
        return first.dense() ? dense.map(RowChainKernels::mostProducts).orElse(0) : blocks.map(BlockChainKernels::mostProducts).orElse(0);
    }

    /** Whether a step can stand behind another. */
    private boolean follows(Step before, Step s) {
        boolean own = before.act.isPresent() || values.wantsBytes(before.out()); // what the one before makes stands in the chain's memory
        Op last = before.act.<Op>map(g -> g).orElse(before.linear);
        return s.x.equals(before.out()) && s.matrix.format() == before.matrix.format() && (!own || s.norm.isEmpty() && values.feeds(last, s.x));
    }

    /** Rows of bytes come normed to a chain, floats do not. */
    private static boolean begins(Step s) {
        return s.dense() || s.norm.isEmpty();
    }

    private Optional<Step> step(List<Op> ops) {
        Optional<Op.RmsNorm> norm = ops.getFirst() instanceof Op.RmsNorm n ? Optional.of(n) : Optional.empty();
        int at = norm.isPresent() ? 1 : 0;
        if (at >= ops.size() || !(ops.get(at) instanceof Op.Linear l) || l.out().rows() != Value.Rows.TOKENS
                || norm.filter(n -> !values.feeds(n, l.in())).isPresent() || isAdapted(norm, l)) {
            return Optional.empty();
        }
        List<List<Weight>> runs = state.plan().runs(l);
        WeightPlan.Matrix w = state.matrix(runs.getFirst());
        Optional<Op.GatedAct> act = fusion.activation(ops.subList(at, ops.size()), l);
        Value out = act.map(Op.GatedAct::out).orElse(l.out());
        boolean there = w.format().dense() ? dense.isPresent() && !values.wantsBytes(out)
                : blocks.isPresent() && (act.isEmpty() || BlockChainKernels.gates(out.width()));
        return there && runs.size() == 1 && takes(w, state.kernels())
                ? Optional.of(new Step(norm.map(Op.RmsNorm::in).orElse(l.in()), norm, l, w, runs.getFirst(), act, at + 1 + (act.isPresent() ? 1 : 0)))
                : Optional.empty();
    }

    private boolean isAdapted(Optional<Op.RmsNorm> norm, Op.Linear l) {
        return values.isAdapted(l) || adapters.flatMap(a -> norm.flatMap(n -> a.norm(Places.Norm.of(n)))).isPresent();
    }
}
