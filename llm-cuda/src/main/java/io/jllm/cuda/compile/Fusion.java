package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.memory.Activations;
import io.jllm.cuda.memory.StepUpload.Field;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Op;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

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

    private final DeviceState machine;
    private final Values values;
    private final Arena arena;
    private final Mode mode;
    private final CompiledOps steps;
    private final Kernels kernels;

    /** Adds what it compiles to the steps. */
    Fusion(DeviceState machine, Values values, Arena arena, Mode mode, CompiledOps steps) {
        this.machine = machine;
        this.values = values;
        this.arena = arena;
        this.mode = mode;
        this.steps = steps;
        kernels = machine.kernels();
    }

    /**
     * Compiles the first ops of a list into one step, if there is one for them.
     *
     * @return how many ops it has done; 0 if none
     */
    int compile(List<Op> ops) {
        if (mode == Mode.ANY) {
            return 0;
        }
        return switch (ops.getFirst()) {
            case Op.SelectRows s when values.onlyNormed(s) && values.selectsNothing(s) -> {
                values.alias(s.out(), s.in());
                int done = normed(ops.subList(1, ops.size()));
                yield done == 0 ? 0 : 1 + done;
            }
            case Op.RmsNorm _ -> normed(ops);
            case Op.Linear l -> gated(ops, l, Optional.empty());
            case Op.RopeStoreKv r -> rotated(ops, r);
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
        List<List<Weight>> runs = machine.plan().runs(l);
        if (values.wantsBytes(l.out()) || !runs.stream().allMatch(machine::chains)) {
            return 0;
        }
        int column = 0;
        for (List<Weight> run : runs) {
            steps.product(l, run, column, Optional.of(n));
            column += machine.matrix(run).rows();
        }
        return 2;
    }

    /** A product of gate and up with its activation, and for one row the norm before it if there is one. */
    private int gated(List<Op> ops, Op.Linear l, Optional<Op.RmsNorm> norm) {
        List<List<Weight>> runs = machine.plan().runs(l);
        if (ops.size() < 2 || !(ops.get(1) instanceof Op.GatedAct g) || !values.feeds(l, g.gateUp()) || l.residual().isPresent() || runs.size() != 1
                || machine.bias(runs.getFirst()) != 0) {
            return 0;
        }
        List<Weight> run = runs.getFirst();
        Value y = g.out();
        if (mode == Mode.ONE && !values.wantsBytes(y) && machine.chains(run) && y.width() % ROWS_TOGETHER == 0) {
            steps.gated(l, run, g, norm);
            return 2;
        }
        WeightPlan.Matrix w = machine.matrix(run);
        String family = "gemv_gated_" + w.format().suffix();
        if (norm.isPresent() || kernels.find(family + "_m1").isEmpty() || !w.format().dense() && !values.wantsBytes(l.in())) {
            return 0;
        }
        int[] shape = kernels.shape(family);
        var few = new ArrayList<Launch>();
        for (int m = 1; m <= LinearOp.MOST_FEW; m *= 2) {
            Launch launch = kernels.launch(arena, family + "_m" + m, shape[0], 11).pointer(machine.address(w));
            if (w.format().dense()) {
                launch.pointer(values.floats(l.in())).integer(Activations.pitch(l.in()));
            } else {
                launch.pointer(values.bytes(l.in())).pointer(values.scales(l.in()));
            }
            few.add(values.outputs(launch, y).integer(y.width()).integer(w.cols()).integer(0).integer(DeviceState.number(g.kind())));
        }
        steps.add(new LinearOp(few, Math.ceilDiv(y.width(), shape[1]), Optional.empty(), 9, y.rows()));
        return 2;
    }

    /** Rotation and attention. */
    private int rotated(List<Op> ops, Op.RopeStoreKv r) {
        String kernel = "attn_decode_rope_" + machine.kvSuffix();
        if (ops.size() < 2 || !(ops.get(1) instanceof Op.PagedAttention a) || !values.feeds(r, a.q()) || a.layer() != r.layer()) {
            return 0;
        }
        if (mode == Mode.ONE && !values.wantsBytes(a.out()) && machine.chain().filter(c -> c.attends(a.shape().headDim())).isPresent()) {
            steps.attention(r, a);
            return 2;
        }
        if (kernels.find(kernel).isEmpty() || values.wantsBytes(a.out()) && !machine.storesBytes(a.shape())) {
            return 0;
        }
        Launch launch = kernels.launch(arena, kernel, DeviceState.ATTENTION_BLOCK, 32).pointer(values.floats(r.qkv()))
                .integer(Activations.pitch(r.qkv()));
        machine.attention(values.outputs(launch, a.out()), a).pointer(machine.at(Field.KV_SLOTS));
        machine.rotation(launch, r);
        steps.add(new AttentionOp(launch, Optional.empty(), machine.multiprocessors(), a.shape().heads(), a.shape().kvHeads()));
        return 2;
    }
}
