package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.attention.AttentionKernels;
import io.jllm.cuda.kernels.attention.ChainKernels;
import io.jllm.cuda.kernels.attention.ChainRoom;
import io.jllm.cuda.kernels.attention.Task;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
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
    /** Bytes before the tasks of a chain, for the count of blocks that are done and the half of its room; a task stands at a multiple of 16. */
    private static final int HEAD_BYTES = 256;
    private static final int ALIGNMENT = 16;
    private static final long HALVES = 2;
    /** Heads of a chain, and what rounding takes: of a chain that has one task. */
    private static final int ENDS = 3;
    private static final int NO_GATE = -1;

    private final DeviceState state;
    private final Values values;
    private final Arena arena;
    private final List<CompiledOp> ops = new ArrayList<>();
    private final List<Task> tasks = new ArrayList<>();
    private ChainRoom room = new ChainRoom();
    private int vectorBytes;
    private int attentionBytes;
    private int stageBytes;
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
        add(l, run, norm, state.bias(run), l.residual(), values.rows(l.out()).floats(), l.out().width(), column, state.matrix(run).rows(), NO_GATE);
    }

    /** Adds the task of a product of gate and up with its activation, for one row. */
    void gated(Op.Linear l, List<Weight> run, Op.GatedAct g, Optional<Op.RmsNorm> norm) {
        int width = g.out().width();
        add(l, run, norm, 0, Optional.empty(), values.rows(g.out()).floats(), width, 0, width, DeviceState.number(g.kind()));
    }

    private void add(Op.Linear l, List<Weight> run, Optional<Op.RmsNorm> norm, long bias, Optional<Value> residual, long y, int width, int column,
            int outputs, int act) {
        WeightPlan.Matrix w = state.matrix(run);
        ChainShape shape = state.chain().orElseThrow();
        Value in = norm.map(Op.RmsNorm::in).orElse(l.in());
        // Where a row changes column by column, there is only the one among the activations.
        boolean among = outputs < width && residual.filter(r -> values.rows(r).floats() == y).isPresent();
        if (among || isPart(in) || residual.filter(this::isPart).isPresent()) {
            endChain();
        }
        takeRoom(shape.vectorBytes(w), 0, shape.stageBytes(w.format()));
        ChainRoom.Input x = room.input(values.rows(in).floats(), 0);
        ChainRoom.Input before = among ? ChainRoom.Input.outside(y, column)
                : residual.map(r -> room.input(values.rows(r).floats(), column)).orElse(ChainRoom.Input.NONE);
        tasks.add(new Task.Product(w.format(), state.address(w), x, norm.map(n -> state.vector(n.weight())).orElse(0L),
                norm.map(Op.RmsNorm::eps).orElse(0f), bias, before, room.output(y, width, column, outputs),
                w.format().dense() ? -1 : room.records(w.cols()), outputs, w.cols(), act));
    }

    private boolean isPart(Value v) {
        return room.isPart(values.rows(v).floats());
    }

    /** Adds the task of a rotation and the attention behind it, for one row. */
    void attention(HeadOp.RopeStoreKv r, Op.PagedAttention a) {
        ChainShape shape = state.chain().orElseThrow();
        if (isPart(r.qkv())) {
            endChain();
        }
        // It has no stages, but the least are there: a chain may be of attention alone.
        takeRoom(0, shape.attentionBytes(a.shape().headDim()), shape.leastStageBytes());
        int width = a.out().width();
        ChainRoom.Input qkv = room.input(values.rows(r.qkv()).floats(), 0);
        tasks.add(new Task.Attention(qkv, room.output(values.rows(a.out()).floats(), width, 0, width), room.counters(a.shape().heads()),
                state.kv().layerAt(a.layer()), DeviceState.scores(a), state.rotation(r)));
    }

    /** Makes room for one more task. Where too few stages would be left, for tasks of very different formats and sizes, a new chain begins. */
    private void takeRoom(int vector, int attention, int stage) {
        int mostVector = Math.max(vectorBytes, vector);
        int mostAttention = Math.max(attentionBytes, attention);
        int largest = Math.max(stageBytes, stage);
        if (state.chain().orElseThrow().stages(mostVector + mostAttention, largest) < ChainShape.LEAST_STAGES) {
            endChain();
            mostVector = vector;
            mostAttention = attention;
            largest = stage;
        }
        vectorBytes = mostVector;
        attentionBytes = mostAttention;
        stageBytes = largest;
    }

    private void endChain() {
        if (tasks.isEmpty()) {
            return;
        }
        long bytes = Task.STRUCT.bytes();
        MemorySegment all = arena.allocate(HEAD_BYTES + bytes * tasks.size(), ALIGNMENT);
        long head = state.tasks().address() + used;
        long roomAt = head + Math.ceilDiv(all.byteSize(), HEAD_BYTES) * HEAD_BYTES;
        for (int i = 0; i < tasks.size(); i++) {
            tasks.get(i).write(all.asSlice(HEAD_BYTES + bytes * i, bytes), roomAt);
        }
        state.tasks().write(all, used);
        used = roomAt - state.tasks().address() + Math.ceilDiv(HALVES * Float.BYTES * room.floats(), HEAD_BYTES) * HEAD_BYTES;
        ChainShape shape = state.chain().orElseThrow();
        var shared = new ChainKernels.Shared(shape.room(), stageBytes, shape.stages(vectorBytes + attentionBytes, stageBytes), vectorBytes,
                attentionBytes);
        // The layer is each task's own.
        var pages = new AttentionKernels.Pages(state.kv().address(), state.kv().blockBytes(), 0, state.blockSize());
        ChainKernels.Chain chain = ChainKernels.chain(state.kernels(), arena, state.kvSuffix(), head + HEAD_BYTES, tasks.size(),
                tasks.stream().mapToLong(Task::weightBytes).sum(), head, roomAt, room.floats(), shared, pages,
                state.partials(), state.upload(), state.multiprocessors());
        ops.add((stream, _) -> chain.run(stream));
        tasks.clear();
        room = new ChainRoom();
        vectorBytes = 0;
        attentionBytes = 0;
        stageBytes = 0;
    }

    /** Bytes of device memory for the tasks and rooms of all chains of a program, which are full of ones before they are compiled. */
    public static long taskBytes(Program program) {
        if (!ChainShape.whole(program)) {
            return HEAD_BYTES; // it has none
        }
        return program.ops().stream().mapToLong(op -> switch (op) {
            case Op.Linear l -> l.weights().size() * bytes(ChainRoom.most(l.out().width(), l.in().width()));
            case Op.PagedAttention a -> bytes(ChainRoom.most(a.out().width(), a.shape()));
            default -> 0;
        }).sum();
    }

    private static long bytes(long floats) {
        return Task.STRUCT.bytes() + ENDS * HEAD_BYTES + HALVES * Float.BYTES * floats;
    }
}
