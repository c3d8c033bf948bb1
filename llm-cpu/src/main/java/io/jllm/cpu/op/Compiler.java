package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedKernels;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.machine.MachineAttention;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.RopeFunctions;
import io.jllm.cpu.machine.RopeShape;
import io.jllm.cpu.machine.RowFunctions;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Turns a program into steps over given scratch memory. */
public final class Compiler {
    private final Program program;
    private final DeviceWeights tensors;
    private final KvCache cache;
    private final SequenceIndex sequences;
    private final KernelChoice choice;
    private final Kernels kernels;
    private final Optional<RowFunctions> functions;
    private final int threads;
    private final PartialSums partial = new PartialSums();
    private final NativeSums nativePartial = new NativeSums();

    public Compiler(Program program, DeviceWeights tensors, KvCache cache, SequenceIndex sequences, KernelChoice choice, int threads) {
        this.program = program;
        this.tensors = tensors;
        this.cache = cache;
        this.sequences = sequences;
        this.choice = choice;
        kernels = choice.kernels();
        functions = choice.machine().flatMap(MachineKernels::rows);
        this.threads = threads;
    }

    /** Bytes of memory that steps share, but for {@link Activations}. */
    public long bytes() {
        return partial.bytes() + nativePartial.bytes();
    }

    /** The steps, in order. */
    public List<CompiledOp> compile(Activations scratch) {
        var steps = new ArrayList<CompiledOp>();
        Map<Rope, RopeTable> tables = new LinkedHashMap<>();
        for (Op op : program.ops()) {
            if (op instanceof Op.RopeStoreKv r && !tables.containsKey(r.rope())) {
                var table = new RopeTable(r.rope(), scratch.tokens());
                tables.put(r.rope(), table);
                steps.add(table);
            }
            add(op, scratch, tables, steps);
        }
        return steps;
    }

    private void linear(Op.Linear l, Activations scratch, List<CompiledOp> steps) {
        List<Matrix> matrices = l.weights().stream().map(tensors::matrix).toList();
        Value.Rows kind = l.out().rows();
        Map<TokenFormat, BlockRows> arranged = new EnumMap<>(TokenFormat.class);
        for (Matrix m : matrices) {
            if (m instanceof PackedMatrix p) {
                PackedKernels packed = choice.packed().orElseThrow();
                TokenFormat format = packed.tokens(p.type());
                if (!arranged.containsKey(format)) {
                    BlockRows rows = scratch.arranged(format, p.cols());
                    arranged.put(format, rows);
                    steps.add(new ArrangeOp(scratch.rows(l.in()), rows, kind, packed));
                }
            }
        }
        steps.add(new LinearOp(scratch.rows(l.out()), scratch.rows(l.in()), arranged, l.residual().map(scratch::rows), kind, matrices, choice,
                threads));
    }

    private CompiledOp norm(Op.RmsNorm op, Rows out, Rows in) {
        float[] weight = tensors.vector(op.weight());
        Value.Rows kind = op.out().rows();
        return functions.<CompiledOp>map(f -> new RowOps.MachineNorm(out, in, kind, RowFunctions.normWeight(Arena.ofAuto(), weight, op.eps()), f))
                .orElseGet(() -> new RowOps.Norm(out, in, kind, weight, op.eps(), kernels));
    }

    private CompiledOp gated(Op.GatedAct op, Rows out, Rows in) {
        RowOps.Columns columns = functions.map(f -> RowOps.columns(out, in, op.kind(), f))
                .orElseGet(() -> RowOps.columns(out, in, op.kind(), kernels));
        return new RowOps.Gated(out, in, op.out().rows(), columns);
    }

    private CompiledOp rope(Op.RopeStoreKv op, Rows out, Rows qkv, RopeTable table) {
        var shape = new RopeShape(op.shape().headDim(), op.rope().rotaryDim(), op.rope().layout() == Rope.Layout.NEOX, cache.blockSize());
        Optional<RopeFunctions> machine = functions.flatMap(_ -> choice.machine()).flatMap(m -> m.rope(shape));
        return machine.<CompiledOp>map(m -> new MachineRopeOp(op, out, qkv, tensors, table, cache, m, functions.orElseThrow()))
                .orElseGet(() -> new RopeOp(op, out, qkv, tensors, table, cache, kernels));
    }

    /** In machine code, if there is some for it. */
    private void attention(Op.PagedAttention op, Rows out, Rows q, List<CompiledOp> steps) {
        Optional<MachineAttention> machine = op.softCap() > 0 ? Optional.empty()
                : choice.machine().flatMap(m -> m.attention(cache.layout(op.shape())));
        var tiles = new AttentionTiles(op, sequences, threads);
        AttentionChunks chunks = machine.<AttentionChunks>map(m -> new MachineChunks(op, out, q, cache, sequences, tiles, m, nativePartial))
                .orElseGet(() -> new PlainChunks(op, out, q, cache, sequences, tiles, kernels, partial));
        var attention = new AttentionOp(tiles, chunks);
        steps.add(attention);
        steps.add(attention.new Merge());
    }

    private void add(Op op, Activations scratch, Map<Rope, RopeTable> tables, List<CompiledOp> steps) {
        Rows out = scratch.rows(op.out());
        switch (op) {
            case Op.Embed e -> steps.add(new RowOps.Embed(out, tensors.matrix(e.table())));
            case Op.RmsNorm n -> steps.add(norm(n, out, scratch.rows(n.in())));
            case Op.Linear l -> linear(l, scratch, steps);
            case Op.RopeStoreKv r -> steps.add(rope(r, out, scratch.rows(r.qkv()), tables.get(r.rope())));
            case Op.PagedAttention a -> attention(a, out, scratch.rows(a.q()), steps);
            case Op.GatedAct g -> steps.add(gated(g, out, scratch.rows(g.gateUp())));
            case Op.SelectRows s -> steps.add(new RowOps.Select(out, scratch.rows(s.in())));
        }
    }
}
