package io.jllm.cpu;

import io.jllm.cpu.kernels.BlockRows;
import io.jllm.cpu.kernels.KernelChoice;
import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.MachineAttention;
import io.jllm.cpu.kernels.MachineKernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedKernels;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.Rows;
import io.jllm.cpu.machine.RopeFunctions;
import io.jllm.cpu.machine.RopeShape;
import io.jllm.cpu.machine.RowFunctions;
import io.jllm.cpu.machine.TokenFormat;
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
final class Compiler {
    private final Program program;
    private final Tensors tensors;
    private final KvCache cache;
    private final SequenceIndex sequences;
    private final KernelChoice choice;
    private final Kernels kernels;
    private final Optional<RowFunctions> functions;
    private final int threads;
    private final PartialSums partial = new PartialSums();
    private final NativeSums nativePartial = new NativeSums();

    Compiler(Program program, Tensors tensors, KvCache cache, SequenceIndex sequences, KernelChoice choice, int threads) {
        this.program = program;
        this.tensors = tensors;
        this.cache = cache;
        this.sequences = sequences;
        this.choice = choice;
        kernels = choice.kernels();
        functions = choice.machine().flatMap(MachineKernels::rows);
        this.threads = threads;
    }

    /** Bytes of memory that steps share, but for {@link Scratch}. */
    long bytes() {
        return partial.bytes() + nativePartial.bytes();
    }

    /** The steps, in order. */
    List<Step> compile(Scratch scratch) {
        var steps = new ArrayList<Step>();
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

    private void linear(Op.Linear l, Scratch scratch, List<Step> steps) {
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
                    steps.add(new ArrangeStep(scratch.rows(l.in()), rows, kind, packed));
                }
            }
        }
        steps.add(new LinearStep(scratch.rows(l.out()), scratch.rows(l.in()), arranged, l.residual().map(scratch::rows), kind, matrices, choice,
                threads));
    }

    private Step norm(Op.RmsNorm op, Rows out, Rows in) {
        float[] weight = tensors.vector(op.weight());
        Value.Rows kind = op.out().rows();
        return functions.<Step>map(f -> new RowSteps.MachineNorm(out, in, kind, RowFunctions.normWeight(Arena.ofAuto(), weight, op.eps()), f))
                .orElseGet(() -> new RowSteps.Norm(out, in, kind, weight, op.eps(), kernels));
    }

    private Step gated(Op.GatedAct op, Rows out, Rows in) {
        RowSteps.Columns columns = functions.map(f -> RowSteps.columns(out, in, op.kind(), f))
                .orElseGet(() -> RowSteps.columns(out, in, op.kind(), kernels));
        return new RowSteps.Gated(out, in, op.out().rows(), columns);
    }

    private Step rope(Op.RopeStoreKv op, Rows out, Rows qkv, RopeTable table) {
        var shape = new RopeShape(op.shape().headDim(), op.rope().rotaryDim(), op.rope().layout() == Rope.Layout.NEOX, cache.blockSize());
        Optional<RopeFunctions> machine = functions.flatMap(_ -> choice.machine()).flatMap(m -> m.rope(shape));
        return machine.<Step>map(m -> new MachineRopeStep(op, out, qkv, tensors, table, cache, m, functions.orElseThrow()))
                .orElseGet(() -> new RopeStep(op, out, qkv, tensors, table, cache, kernels));
    }

    /** In machine code, if there is some for it. */
    private void attention(Op.PagedAttention op, Rows out, Rows q, List<Step> steps) {
        Optional<MachineAttention> machine = op.softCap() > 0 ? Optional.empty()
                : choice.machine().flatMap(m -> m.attention(cache.layout(op.shape())));
        var tiles = new AttentionTiles(op, sequences, threads);
        AttentionChunks chunks = machine.<AttentionChunks>map(m -> new MachineChunks(op, out, q, cache, sequences, tiles, m, nativePartial))
                .orElseGet(() -> new PlainChunks(op, out, q, cache, sequences, tiles, kernels, partial));
        var attention = new AttentionStep(tiles, chunks);
        steps.add(attention);
        steps.add(attention.new Merge());
    }

    private void add(Op op, Scratch scratch, Map<Rope, RopeTable> tables, List<Step> steps) {
        Rows out = scratch.rows(op.out());
        switch (op) {
            case Op.Embed e -> steps.add(new RowSteps.Embed(out, tensors.matrix(e.table())));
            case Op.RmsNorm n -> steps.add(norm(n, out, scratch.rows(n.in())));
            case Op.Linear l -> linear(l, scratch, steps);
            case Op.RopeStoreKv r -> steps.add(rope(r, out, scratch.rows(r.qkv()), tables.get(r.rope())));
            case Op.PagedAttention a -> attention(a, out, scratch.rows(a.q()), steps);
            case Op.GatedAct g -> steps.add(gated(g, out, scratch.rows(g.gateUp())));
            case Op.SelectRows s -> steps.add(new RowSteps.Select(out, scratch.rows(s.in())));
        }
    }
}
