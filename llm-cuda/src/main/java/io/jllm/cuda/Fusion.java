package io.jllm.cuda;

import io.jllm.cuda.StepUpload.Field;
import io.jllm.cuda.driver.Launch;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * Neighbouring ops of a program that one kernel can do for a few rows: a norm with the product behind it, a product of gate and up with its activation, rotation with
 * attention. Each pattern is used where the kernels for it were compiled, and where nobody else reads what stands between the ops.
 *
 * <p>A fused kernel reads its input while it writes its output, so the plan of buffers must keep inputs for {@link #LINGER} more ops.
 */
final class Fusion {
    /** Ops for which a value must stay where it is after the last one that reads it. */
    static final int LINGER = 3;
    /** Bytes of shared memory beside the normed row. */
    private static final int NORM_EXTRA_BYTES = 64;

    private final Program program;
    private final Machine machine;
    private final Arena arena;
    private final Kernels kernels;
    private final int[] readers;

    Fusion(Program program, Machine machine, Arena arena) {
        this.program = program;
        this.machine = machine;
        this.arena = arena;
        kernels = machine.kernels();
        readers = new int[program.values().size()];
        program.ops().forEach(op -> op.inputs().forEach(v -> readers[v.id()]++));
        readers[program.logits().id()]++;
    }

    /** Whether the next op, a norm, is the only one that reads the selected rows: then it can select them itself. */
    boolean onlyNormed(Op.SelectRows s) {
        int next = program.ops().indexOf(s) + 1;
        return next < program.ops().size() && program.ops().get(next) instanceof Op.RmsNorm n && feeds(s, n.in());
    }

    private boolean feeds(Op op, Value in) {
        return op.out().equals(in) && readers[in.id()] == 1;
    }

    /**
     * Compiles the first ops of a list into one step, if there is one for them.
     *
     * @param bytes ids of the values that are wanted in 8 bits
     * @return how many ops it has done; 0 if none
     */
    int compile(List<Op> ops, BitSet bytes, List<Step> steps) {
        if (ops.getFirst() instanceof Op.SelectRows s && onlyNormed(s)) {
            int done = norm(ops.subList(1, ops.size()), s.in(), machine.at(Field.LOGIT_ROW), bytes, steps);
            return done == 0 ? 0 : 1 + done;
        }
        if (ops.getFirst() instanceof Op.RmsNorm n) {
            return norm(ops, n.in(), 0, bytes, steps);
        }
        if (ops.getFirst() instanceof Op.Linear l) {
            return gated(ops, l, Optional.empty(), bytes, steps);
        }
        return ops.getFirst() instanceof Op.RopeStoreKv r ? rotated(ops, r, bytes, steps) : 0;
    }

    /** A norm and the product behind it. */
    private int norm(List<Op> ops, Value x, long rows, BitSet bytes, List<Step> steps) {
        if (!(ops.getFirst() instanceof Op.RmsNorm n) || ops.size() < 2 || !(ops.get(1) instanceof Op.Linear l) || !feeds(n, l.in()) || l.residual().isPresent()
                || sharedBytes(LinearStep.MOST_FEW, l) > machine.sharedMemory()) {
            return 0;
        }
        int done = rows == 0 ? gated(ops.subList(1, ops.size()), l, Optional.of(n), bytes, steps) : 0;
        if (done > 0) {
            return 1 + done;
        }
        List<List<Weight>> runs = machine.plan().runs(l);
        if (bytes.get(l.out().id()) || !runs.stream().allMatch(run -> exists("gemv_norm_", run))) {
            return 0;
        }
        int column = 0;
        for (List<Weight> run : runs) {
            WeightPlan.Matrix w = machine.matrix(run);
            String family = "gemv_norm_" + w.format().suffix();
            int[] shape = kernels.shape(family);
            var few = new ArrayList<Launch>();
            for (int m = 1; m <= LinearStep.MOST_FEW; m *= 2) {
                few.add(kernels.launch(arena, family + "_m" + m, shape[0], sharedBytes(m, l), 12).pointer(machine.address(w)).pointer(machine.floats(x))
                        .integer(Area.pitch(x)).pointer(rows).pointer(machine.vector(n.weight())).real(n.eps()).pointer(machine.bias(run))
                        .pointer(machine.floats(l.out()) + (long) column * Float.BYTES).integer(Area.pitch(l.out())).integer(w.rows()).integer(w.cols())
                        .integer(0));
            }
            steps.add(new LinearStep(few, Math.ceilDiv(w.rows(), shape[1]), List.of(), w.rows(), 11, l.out().rows()));
            column += w.rows();
        }
        return 2;
    }

    /** A product of gate and up with its activation, and the norm before it if there is one. */
    private int gated(List<Op> ops, Op.Linear l, Optional<Op.RmsNorm> norm, BitSet bytes, List<Step> steps) {
        List<List<Weight>> runs = machine.plan().runs(l);
        if (ops.size() < 2 || !(ops.get(1) instanceof Op.GatedAct g) || !feeds(l, g.gateUp()) || l.residual().isPresent() || runs.size() != 1
                || machine.bias(runs.getFirst()) != 0 || g.out().width() % 32 != 0) {
            return 0;
        }
        String prefix = norm.isPresent() ? "gemv_norm_gated_" : "gemv_gated_";
        if (!exists(prefix, runs.getFirst())) {
            return 0;
        }
        WeightPlan.Matrix w = machine.matrix(runs.getFirst());
        String family = prefix + w.format().suffix();
        int[] shape = kernels.shape(family);
        var few = new ArrayList<Launch>();
        for (int m = 1; m <= LinearStep.MOST_FEW; m *= 2) {
            int shared = norm.isPresent() ? sharedBytes(m, l) : 0;
            Launch launch = kernels.launch(arena, family + "_m" + m, shape[0], shared, norm.isPresent() ? 13 : 11).pointer(machine.address(w));
            if (norm.isPresent()) {
                Value x = norm.get().in();
                launch.pointer(machine.floats(x)).integer(Area.pitch(x)).pointer(machine.vector(norm.get().weight())).real(norm.get().eps());
            } else if (w.format().dense()) {
                launch.pointer(machine.floats(l.in())).integer(Area.pitch(l.in()));
            } else {
                launch.pointer(machine.bytes(l.in())).pointer(machine.scales(l.in()));
            }
            Value y = g.out();
            boolean quantized = bytes.get(y.id());
            few.add(launch.pointer(quantized ? 0 : machine.floats(y)).integer(Area.pitch(y)).pointer(quantized ? machine.bytes(y) : 0)
                    .pointer(quantized ? machine.scales(y) : 0).integer(y.width()).integer(w.cols()).integer(0).integer(Machine.number(g.kind())));
        }
        steps.add(new LinearStep(few, Math.ceilDiv(g.out().width(), shape[1]), List.of(), g.out().width(), norm.isPresent() ? 11 : 9, g.out().rows()));
        return 2;
    }

    /** Rotation and attention. */
    private int rotated(List<Op> ops, Op.RopeStoreKv r, BitSet bytes, List<Step> steps) {
        String kernel = "attn_decode_rope_" + machine.kvSuffix();
        if (ops.size() < 2 || !(ops.get(1) instanceof Op.PagedAttention a) || !feeds(r, a.q()) || a.layer() != r.layer() || kernels.find(kernel).isEmpty()) {
            return 0;
        }
        boolean quantized = bytes.get(a.out().id());
        if (quantized && !machine.storesBytes(a.shape())) {
            return 0;
        }
        Launch launch = kernels.launch(arena, kernel, Machine.ATTENTION_BLOCK, 0, 32).pointer(machine.floats(r.qkv())).integer(Area.pitch(r.qkv()));
        machine.attention(launch, a, !quantized, quantized).pointer(machine.at(Field.KV_SLOTS));
        machine.rotation(launch, r);
        steps.add(new AttentionStep(launch, Optional.empty(), machine.multiprocessors(), a.shape().heads(), a.shape().kvHeads()));
        return 2;
    }

    private boolean exists(String prefix, List<Weight> run) {
        return kernels.find(prefix + machine.matrix(run).format().suffix() + "_m1").isPresent();
    }

    private static int sharedBytes(int rows, Op.Linear l) {
        return rows * (Float.BYTES * l.in().width() + NORM_EXTRA_BYTES);
    }
}
