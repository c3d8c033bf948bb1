package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.Rows;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** For one way of compiling a program: in which forms its values are wanted, who reads them, and where they are. */
final class Values {
    private final Program program;
    private final DeviceState state;
    private final Mode mode;
    private final BitSet floats = new BitSet();
    private final BitSet bytes = new BitSet();
    private final int[] readers;
    private final Map<Value, Value> same = new HashMap<>();

    Values(Program program, DeviceState state, Mode mode) {
        this.program = program;
        this.state = state;
        this.mode = mode;
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
                    }
                    l.residual().ifPresent(r -> floats.set(r.id()));
                }
                case ExpertOp.ExpertLinear l -> {
                    l.weights().forEach(w -> met(l.in(), w));
                    floats.set(l.route().id());
                }
                case ExpertOp.ExpertSum e -> {
                    met(e.in(), e.weight());
                    floats.set(e.route().id());
                    e.residual().ifPresent(r -> floats.set(r.id()));
                }
                case Op.Embed _, Op.AddPositions _, Op.RmsNorm _, Op.LayerNorm _, HeadOp _, Op.PagedAttention _, Op.GatedAct _, Op.Act _, Op.Add _,
                     Op.Scale _, Op.SelectRows _, ExpertOp.Route _, LatentOp _ -> op.inputs().forEach(v -> floats.set(v.id()));
            }
        }
    }

    /** A value that matrices of experts meet. */
    private void met(Value in, Weight w) {
        (state.matrix(w.name()).format().dense() ? floats : bytes).set(in.id());
    }

    /** Whether a product is one of many rows for sure, which tensor cores do. */
    boolean multipliesMany(Op.Linear l) {
        return mode == Mode.MANY && l.out().rows() == Value.Rows.TOKENS;
    }

    private boolean readsFloats(List<Weight> run) {
        return state.matrix(run).format().dense() || mode == Mode.ONE && state.chains(run);
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
