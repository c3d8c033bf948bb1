package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.memory.StepUpload.Field;
import io.jllm.cuda.weights.DeviceFormat;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The steps of a program as they are compiled. For one row, neighbouring products and attentions become tasks of a chain, which is one
 * step and one launch; the README beside the kernels says what a task looks like.
 */
public final class CompiledOps {
    /** Bytes of a task, and of what stands before the tasks of a chain: the count of blocks that have arrived at its barriers. */
    static final int TASK_BYTES = 144;
    static final int HEAD_BYTES = 256;

    private static final int PRODUCT = 0;
    private static final int ATTENTION = 1;
    private static final int NO_GATE = -1;

    private final DeviceState machine;
    private final Values values;
    private final Arena arena;
    private final List<CompiledOp> steps = new ArrayList<>();
    private final List<MemorySegment> tasks = new ArrayList<>();
    private int vectorBytes;
    private int stageBytes;
    private int products;
    private long used;

    CompiledOps(DeviceState machine, Values values, Arena arena) {
        this.machine = machine;
        this.values = values;
        this.arena = arena;
    }

    /** Adds a step that is no task. */
    void add(CompiledOp step) {
        endChain();
        steps.add(step);
    }

    /** Ends the list. */
    List<CompiledOp> done() {
        endChain();
        return List.copyOf(steps);
    }

    /** Adds the task of a product for one row, normed before if there is a norm; its results go to a column of the op's output. */
    void product(Op.Linear l, List<Weight> run, int column, Optional<Op.RmsNorm> norm) {
        WeightPlan.Matrix w = machine.matrix(run);
        long shift = (long) column * Float.BYTES;
        MemorySegment t = product(l, run, norm, values.floats(l.out()) + shift, w.rows(), NO_GATE);
        t.set(ValueLayout.JAVA_LONG, 32, machine.bias(run));
        t.set(ValueLayout.JAVA_LONG, 40, l.residual().map(r -> values.floats(r) + shift).orElse(0L));
    }

    /** Adds the task of a product of gate and up with its activation, for one row. */
    void gated(Op.Linear l, List<Weight> run, Op.GatedAct g, Optional<Op.RmsNorm> norm) {
        product(l, run, norm, values.floats(g.out()), g.out().width(), DeviceState.number(g.kind()));
    }

    private MemorySegment product(Op.Linear l, List<Weight> run, Optional<Op.RmsNorm> norm, long to, int outputs, int act) {
        WeightPlan.Matrix w = machine.matrix(run);
        takeRoom(machine.chain().orElseThrow().vectorBytes(w), ChainShape.stageBytes(w.format()));
        MemorySegment t = task(PRODUCT, machine.address(w), to);
        t.set(ValueLayout.JAVA_INT, 4, w.format().ordinal());
        t.set(ValueLayout.JAVA_LONG, 16, values.floats(norm.map(Op.RmsNorm::in).orElse(l.in())));
        t.set(ValueLayout.JAVA_LONG, 24, norm.map(n -> machine.vector(n.weight())).orElse(0L));
        t.set(ValueLayout.JAVA_LONG, 56, machine.shares() + (long) Integer.BYTES * products++);
        t.set(ValueLayout.JAVA_INT, 72, outputs);
        t.set(ValueLayout.JAVA_INT, 76, w.cols());
        t.set(ValueLayout.JAVA_INT, 80, act);
        t.set(ValueLayout.JAVA_FLOAT, 84, norm.map(Op.RmsNorm::eps).orElse(0f));
        return t;
    }

    /** Adds the task of a rotation and the attention behind it, for one row. */
    void attention(Op.RopeStoreKv r, Op.PagedAttention a) {
        Op.AttentionShape s = a.shape();
        // It has no stages, but the least are there: a chain may be of attention alone.
        takeRoom(machine.chain().orElseThrow().attentionBytes(s.headDim()), ChainShape.stageBytes(DeviceFormat.F16));
        MemorySegment t = task(ATTENTION, values.floats(r.qkv()), values.floats(a.out()));
        t.set(ValueLayout.JAVA_LONG, 24, r.norm().map(n -> machine.vector(n.qWeight())).orElse(0L));
        t.set(ValueLayout.JAVA_LONG, 32, r.norm().map(n -> machine.vector(n.kWeight())).orElse(0L));
        t.set(ValueLayout.JAVA_LONG, 40, machine.frequencies(r.rope()));
        t.set(ValueLayout.JAVA_LONG, 64, machine.kv().layerAt(a.layer()));
        t.set(ValueLayout.JAVA_FLOAT, 84, r.norm().map(Op.QkNorm::eps).orElse(0f));
        int[] numbers = {s.heads(), s.kvHeads(), s.headDim(), a.window(), r.rope().rotaryDim(), r.rope().layout() == Rope.Layout.INTERLEAVED ? 1 : 0};
        MemorySegment.copy(numbers, 0, t, ValueLayout.JAVA_INT, 88, numbers.length);
        float[] factors = {a.scale(), a.softCap(), r.rope().attentionFactor()};
        MemorySegment.copy(factors, 0, t, ValueLayout.JAVA_FLOAT, 112, factors.length);
    }

    /** Makes room for one more task. Where too few stages would be left, for tasks of very different formats and sizes, a new chain begins. */
    private void takeRoom(int vector, int stage) {
        int most = Math.max(vectorBytes, vector);
        int largest = Math.max(stageBytes, stage);
        if (machine.chain().orElseThrow().stages(most, largest) < ChainShape.LEAST_STAGES) {
            endChain();
            most = vector;
            largest = stage;
        }
        vectorBytes = most;
        stageBytes = largest;
    }

    private MemorySegment task(int kind, long from, long to) {
        MemorySegment t = arena.allocate(TASK_BYTES, 16);
        t.set(ValueLayout.JAVA_INT, 0, kind);
        t.set(ValueLayout.JAVA_LONG, 8, from);
        t.set(ValueLayout.JAVA_LONG, 48, to);
        tasks.add(t);
        return t;
    }

    private void endChain() {
        if (tasks.isEmpty()) {
            return;
        }
        ChainShape shape = machine.chain().orElseThrow();
        MemorySegment all = arena.allocate(HEAD_BYTES + (long) TASK_BYTES * tasks.size(), 16);
        for (int i = 0; i < tasks.size(); i++) {
            all.asSlice(HEAD_BYTES + (long) TASK_BYTES * i, TASK_BYTES).copyFrom(tasks.get(i));
        }
        machine.tasks().write(all, used);
        long head = machine.tasks().address() + used;
        used += Math.ceilDiv(all.byteSize(), HEAD_BYTES) * HEAD_BYTES;
        Launch launch = machine.kernels().together(arena, machine.chainKernel(), shape.threads(), shape.room(), 15).pointer(head + HEAD_BYTES)
                .integer(tasks.size()).pointer(head).integer(stageBytes).integer(shape.stages(vectorBytes, stageBytes)).integer(vectorBytes)
                .pointer(machine.kv().address()).wide(machine.kv().blockBytes()).integer(machine.blockSize()).pointer(machine.at(Field.KV_SLOTS))
                .pointer(machine.at(Field.CONTEXT)).pointer(machine.at(Field.TABLE)).pointer(machine.partial()).pointer(machine.counters())
                .pointer(machine.at(Field.PIECES));
        steps.add(new RowOps.Once(launch, machine.multiprocessors()));
        tasks.clear();
        vectorBytes = 0;
        stageBytes = 0;
    }

    /** Bytes of device memory for the tasks of all chains of a program. */
    public static long taskBytes(Program program) {
        return program.ops().stream().mapToLong(op -> op instanceof Op.Linear l ? l.weights().size() : 1).sum() * (TASK_BYTES + 2 * HEAD_BYTES);
    }
}
