package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** For one way of compiling a program: in which forms its values are wanted, who reads them, and where they are. */
final class Values {
    private final Program program;
    private final DeviceState state;
    private final Mode mode;
    private final Optional<AdapterRoom> adapters;
    private final BitSet floats = new BitSet();
    private final BitSet bytes = new BitSet();
    /** For values that matrices meet whose columns stand in an order of their own: one of them, and whether there are others. */
    private final Map<Integer, WeightPlan.Matrix> ordered = new HashMap<>();
    private final BitSet several = new BitSet();
    private final int[] readers;
    private final List<Mixture> mixtures;
    private final Map<Value, Value> same = new HashMap<>();

    Values(Program program, DeviceState state, Mode mode, Optional<AdapterRoom> adapters) {
        this.program = program;
        this.state = state;
        this.mode = mode;
        this.adapters = adapters;
        mixtures = state.rooms().mixtures().isPresent() ? Mixture.all(program, state.plan()) : List.of();
        readers = new int[program.values().size()];
        program.ops().forEach(op -> op.inputs().forEach(v -> readers[v.id()]++));
        readers[program.logits().id()]++;
        floats.set(program.logits().id());
        if (mode.anyBatch()) {
            program.hidden().ifPresent(h -> floats.set(h.id()));
        }
        for (Op op : program.ops()) {
            switch (op) {
                case Op.Linear l -> {
                    for (List<Weight> run : state.plan().runs(l)) {
                        (multipliesMany(l) || readsFloats(run) ? floats : bytes).set(l.in().id());
                        order(l.in(), state.matrix(run));
                    }
                    if (isAdapted(l)) {
                        floats.set(l.in().id());
                    }
                    l.residual().ifPresent(r -> floats.set(r.id()));
                }
                case ExpertOp.ExpertLinear l -> {
                    l.weights().forEach(w -> met(l.in(), w, mixture(l).isPresent()));
                    floats.set(l.route().id());
                }
                case ExpertOp.ExpertSum e -> {
                    met(e.in(), e.weight(), mixtures.stream().anyMatch(m -> m.sum().equals(e)));
                    floats.set(e.route().id());
                    e.residual().ifPresent(r -> floats.set(r.id()));
                }
                case Op.Embed _, Op.AddPositions _, Op.RmsNorm _, Op.LayerNorm _, HeadOp _, Op.PagedAttention _, Op.GatedAct _, Op.Act _, Op.Add _,
                     Op.Scale _, Op.SelectRows _, ExpertOp.Route _, LatentOp _ -> op.inputs().forEach(v -> floats.set(v.id()));
            }
        }
    }

    /** A value that a matrix of a product meets. Batches of any kind meet it as floats too, so that it is put into another order for each product. */
    private void order(Value in, WeightPlan.Matrix w) {
        if (w.ordered() && !mode.anyBatch() && !several.get(in.id()) && !w.sameOrder(ordered.computeIfAbsent(in.id(), _ -> w))) {
            several.set(in.id());
        }
    }

    /** The matrix in whose order the bytes of a value stand; empty if they stand as in the value, or there are none. */
    Optional<WeightPlan.Matrix> ordered(Value v) {
        return Optional.ofNullable(ordered.get(v.id())).filter(_ -> !several.get(v.id()) && !bytes.get(v.id()));
    }

    /** A value that matrices of experts meet, by themselves or as part of a mixture. */
    private void met(Value in, Weight w, boolean mixed) {
        (state.matrix(w.name()).format().floats() || mixed && mode.many() ? floats : bytes).set(in.id());
    }

    /** The mixture that begins with a product, if it is compiled as a whole. */
    Optional<Mixture> mixture(ExpertOp.ExpertLinear first) {
        return mixtures.stream().filter(m -> m.gateUp().equals(first)).findFirst();
    }

    /** Whether a product is one of many rows for sure, which tensor cores do. */
    boolean multipliesMany(Op.Linear l) {
        return mode.many() && l.out().rows() == Value.Rows.TOKENS;
    }

    /**
     * The type of 16 bits as which products on tensor cores could meet a value, if nobody reads it otherwise and no adapter is near: the op that
     * makes it may then leave it so.
     */
    Optional<DeviceFormat> operand(Value v) {
        if (mode != Mode.MOST || adapters.isPresent() || v.rows() != Value.Rows.TOKENS || program.hidden().filter(v::equals).isPresent()) {
            return Optional.empty();
        }
        var types = new HashSet<Optional<DeviceFormat>>();
        for (Op op : program.ops()) {
            if (op.inputs().contains(v)) {
                if (!(op instanceof Op.Linear l) || !l.in().equals(v) || l.residual().filter(v::equals).isPresent()) {
                    return Optional.empty();
                }
                for (List<Weight> run : state.plan().runs(l)) {
                    WeightPlan.Matrix w = state.matrix(run);
                    types.add(w.ordered() || !TensorRoom.takes(w, l.out().rows()) ? Optional.empty() : w.format().operand());
                }
            }
        }
        return types.size() == 1 ? types.iterator().next() : Optional.empty();
    }

    /** Whether the next op is a product, and the only op that reads what an op makes. */
    boolean multipliedNext(Op op) {
        int next = program.ops().indexOf(op) + 1;
        return next < program.ops().size() && program.ops().get(next) instanceof Op.Linear l && feeds(op, l.in());
    }

    /** Whether adapters change anything. */
    boolean isAdapted() {
        return adapters.isPresent();
    }

    /** Whether adapters change a product. */
    boolean isAdapted(Op.Linear l) {
        return adapters.filter(a -> a.changes(l)).isPresent();
    }

    private boolean readsFloats(List<Weight> run) {
        WeightPlan.Matrix w = state.matrix(run);
        return w.format().floats() || w.ordered() || w.outliers() > 0 || mode == Mode.ONE && state.chains(run); // some become bytes elsewhere
    }

    /** Whether it is wanted in 8 bits. */
    boolean wantsBytes(Value v) {
        return bytes.get(v.id());
    }

    /** Whether it is wanted as floats. */
    boolean wantsFloats(Value v) {
        return floats.get(v.id());
    }

    /** Whether an op's result is read by one other only, as that input. */
    boolean feeds(Op op, Value in) {
        return op.out().equals(in) && readers[in.id()] == 1;
    }

    /** Whether the next op, a norm, is the only one that reads the selected rows: then it can select them itself. */
    boolean onlyNormed(Op.SelectRows s) {
        int next = program.ops().indexOf(s) + 1;
        return next < program.ops().size() && program.ops().get(next) instanceof Op.RmsNorm n && feeds(s, n.in());
    }

    /** Whether selecting can be left out: there is one row, it is not the result, and nothing is written any more where it stands. */
    boolean selectsNothing(Op.SelectRows s) {
        List<Op> ops = program.ops();
        return mode == Mode.ONE && !s.out().equals(program.logits()) && ops.subList(ops.indexOf(s), ops.size()).stream().noneMatch(op -> op.out()
                .rows() == Value.Rows.TOKENS);
    }

    /** From now on a value is read where another one is. */
    void alias(Value v, Value other) {
        same.put(v, same.getOrDefault(other, other));
    }

    /** Where a value is read. */
    Rows rows(Value v) {
        return state.rows(same.getOrDefault(v, v));
    }

    /** Where a value goes, as floats, bytes or both, as its readers want it. */
    Rows outputs(Value y) {
        return outputs(y, wantsFloats(y), wantsBytes(y));
    }

    /** Where a value goes. */
    Rows outputs(Value y, boolean asFloats, boolean asBytes) {
        Rows all = state.rows(y);
        return new Rows(asFloats ? all.floats() : 0, all.pitch(), asBytes ? all.bytes() : 0, asBytes ? all.scales() : 0);
    }
}
