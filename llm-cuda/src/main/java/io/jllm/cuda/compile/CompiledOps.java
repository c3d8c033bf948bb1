package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.attention.AttentionKernels;
import io.jllm.cuda.kernels.attention.ChainKernels;
import io.jllm.cuda.kernels.attention.Task;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The ops of a program as they are compiled. For one row, neighbouring products and attentions become tasks of a chain, which is one op and one
 * launch; the README beside the kernels says what a task looks like.
 */
public final class CompiledOps {
    /** Bytes before the tasks of a chain, for the count of blocks that have arrived at its barriers; a task stands at a multiple of 16. */
    private static final int HEAD_BYTES = 256;
    private static final int ALIGNMENT = 16;
    private static final int NO_GATE = -1;

    private final DeviceState state;
    private final Values values;
    private final Arena arena;
    private final List<CompiledOp> ops = new ArrayList<>();
    private final List<Task> tasks = new ArrayList<>();
    private int vectorBytes;
    private int stageBytes;
    private int products;
    private long used;

    CompiledOps(DeviceState state, Values values, Arena arena) {
        this.state = state;
        this.values = values;
        this.arena = arena;
    }

    /** Adds an op that is no task. */
    void add(CompiledOp op) {
        endChain();
        ops.add(op);
    }

    /** How many there are; a chain that has begun is none of them yet. */
    int size() {
        return ops.size();
    }

    /** Takes the ops from one on away, and adds what becomes of them. */
    void replace(int from, UnaryOperator<List<CompiledOp>> by) {
        List<CompiledOp> last = ops.subList(from, ops.size());
        List<CompiledOp> others = by.apply(List.copyOf(last));
        last.clear();
        ops.addAll(others);
    }

    /** Ends the list. */
    List<CompiledOp> done() {
        endChain();
        return List.copyOf(ops);
    }

    /** Adds the task of a product for one row, normed before if there is a norm; its results go to a column of the op's output. */
    void product(Op.Linear l, List<Weight> run, int column, Optional<Op.RmsNorm> norm) {
        add(l, run, norm, state.bias(run), l.residual().map(r -> values.rows(r).from(column).floats()).orElse(0L),
                values.rows(l.out()).from(column).floats(), state.matrix(run).rows(), NO_GATE);
    }

    /** Adds the task of a product of gate and up with its activation, for one row. */
    void gated(Op.Linear l, List<Weight> run, Op.GatedAct g, Optional<Op.RmsNorm> norm) {
        add(l, run, norm, 0, 0, values.rows(g.out()).floats(), g.out().width(), DeviceState.number(g.kind()));
    }

    private void add(Op.Linear l, List<Weight> run, Optional<Op.RmsNorm> norm, long bias, long residual, long y, int outputs, int act) {
        WeightPlan.Matrix w = state.matrix(run);
        ChainShape shape = state.chain().orElseThrow();
        takeRoom(shape.vectorBytes(w), shape.stageBytes(w.format()));
        tasks.add(new Task.Product(w.format(), state.address(w), values.rows(norm.map(Op.RmsNorm::in).orElse(l.in())).floats(),
                norm.map(n -> state.vector(n.weight())).orElse(0L), norm.map(Op.RmsNorm::eps).orElse(0f), bias, residual, y,
                state.shares() + (long) Integer.BYTES * products++, outputs, w.cols(), act));
    }

    /** Adds the task of a rotation and the attention behind it, for one row. */
    void attention(HeadOp.RopeStoreKv r, Op.PagedAttention a) {
        ChainShape shape = state.chain().orElseThrow();
        // It has no stages, but the least are there: a chain may be of attention alone.
        takeRoom(shape.attentionBytes(a.shape().headDim()), shape.leastStageBytes());
        tasks.add(new Task.Attention(values.rows(r.qkv()).floats(), values.rows(a.out()).floats(), state.kv().layerAt(a.layer()),
                DeviceState.scores(a), state.rotation(r)));
    }

    /** Makes room for one more task. Where too few stages would be left, for tasks of very different formats and sizes, a new chain begins. */
    private void takeRoom(int vector, int stage) {
        int most = Math.max(vectorBytes, vector);
        int largest = Math.max(stageBytes, stage);
        if (state.chain().orElseThrow().stages(most, largest) < ChainShape.LEAST_STAGES) {
            endChain();
            most = vector;
            largest = stage;
        }
        vectorBytes = most;
        stageBytes = largest;
    }

    private void endChain() {
        if (tasks.isEmpty()) {
            return;
        }
        long bytes = Task.STRUCT.bytes();
        MemorySegment all = arena.allocate(HEAD_BYTES + bytes * tasks.size(), ALIGNMENT);
        for (int i = 0; i < tasks.size(); i++) {
            tasks.get(i).write(all.asSlice(HEAD_BYTES + bytes * i, bytes));
        }
        state.tasks().write(all, used);
        long head = state.tasks().address() + used;
        used += Math.ceilDiv(all.byteSize(), HEAD_BYTES) * HEAD_BYTES;
        ChainShape shape = state.chain().orElseThrow();
        var shared = new ChainKernels.Shared(shape.room(), stageBytes, shape.stages(vectorBytes, stageBytes), vectorBytes);
        // The layer is each task's own.
        var pages = new AttentionKernels.Pages(state.kv().address(), state.kv().blockBytes(), 0, state.blockSize());
        ChainKernels.Chain chain = ChainKernels.chain(state.kernels(), arena, state.kvSuffix(), head + HEAD_BYTES, tasks.size(),
                tasks.stream().mapToLong(Task::weightBytes).sum(), head, shared, pages,
                state.partials(), state.upload(), state.multiprocessors());
        ops.add((stream, _) -> chain.run(stream));
        tasks.clear();
        vectorBytes = 0;
        stageBytes = 0;
    }

    /** Bytes of device memory for the tasks of all chains of a program. */
    public static long taskBytes(Program program) {
        return program.ops().stream().mapToLong(op -> op instanceof Op.Linear l ? l.weights().size() : 1).sum()
                * (Task.STRUCT.bytes() + 2 * HEAD_BYTES);
    }
}
