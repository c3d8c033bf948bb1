package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Angles;
import io.jllm.cpu.kernels.AttentionSite;
import io.jllm.cpu.kernels.AttentionTiles;
import io.jllm.cpu.kernels.ChunkSums;
import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.KvCache;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.RopeSite;
import io.jllm.cpu.kernels.SequenceIndex;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
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
    private final CpuKernels kernels;
    private final int threads;
    private final ChunkSums sums = new ChunkSums();

    /**
     * A compiler.
     *
     * @param kernels by which everything is computed
     * @param threads that will share the iterations
     */
    public Compiler(Program program, DeviceWeights tensors, KvCache cache, SequenceIndex sequences, CpuKernels kernels, int threads) {
        this.program = program;
        this.tensors = tensors;
        this.cache = cache;
        this.sequences = sequences;
        this.kernels = kernels;
        this.threads = threads;
    }

    /** Bytes of memory that steps share, but for {@link Activations}. */
    public long bytes() {
        return sums.bytes();
    }

    /** The steps, in order. */
    public List<CompiledOp> compile(Activations scratch) {
        var steps = new ArrayList<CompiledOp>();
        Map<Rope, Angles> angles = new LinkedHashMap<>();
        for (Op op : program.ops()) {
            if (op instanceof HeadOp.RopeStoreKv r && !angles.containsKey(r.rope())) {
                var table = new Angles(r.rope(), scratch.tokens());
                angles.put(r.rope(), table);
                steps.add(new RopeTable(table));
            }
            add(op, scratch, angles, steps);
        }
        return steps;
    }

    private void linear(Op.Linear l, Activations scratch, List<CompiledOp> steps) {
        List<Matrix> matrices = l.weights().stream().map(tensors::matrix).toList();
        Value.Rows kind = l.out().rows();
        Map<TokenFormat, BlockRows> arranged = new EnumMap<>(TokenFormat.class);
        for (Matrix m : matrices) {
            if (m instanceof PackedMatrix p) {
                PackedProducts packed = kernels.packed(p.format()).orElseThrow();
                TokenFormat format = packed.tokens();
                if (!arranged.containsKey(format)) {
                    BlockRows rows = scratch.arranged(format, p.cols());
                    arranged.put(format, rows);
                    steps.add(new ArrangeOp(scratch.rows(l.in()), rows, kind, packed));
                }
            }
        }
        steps.add(new LinearOp(scratch.rows(l.out()), scratch.rows(l.in()), arranged, l.residual().map(scratch::rows), kind, matrices, kernels,
                threads));
    }

    private CompiledOp norm(Op.RmsNorm op, Rows out, Rows in) {
        return new RowOps.Norm(out, in, op.out().rows(), kernels.rows().norm(tensors.vector(op.weight()), op.eps()));
    }

    private CompiledOp rope(HeadOp.RopeStoreKv op, Rows out, Rows qkv, Angles angles) {
        Optional<RopeSite.Norms> norms = op.norm().map(n -> new RopeSite.Norms(tensors.vector(n.qWeight()), tensors.vector(n.kWeight()), n.eps()));
        return new RopeOp(kernels.rope(new RopeSite(op, out, qkv, cache, angles, norms)));
    }

    private void attention(Op.PagedAttention op, Rows out, Rows q, List<CompiledOp> steps) {
        var tiles = new AttentionTiles(op, sequences, threads);
        var attention = new AttentionOp(tiles, kernels.attention(new AttentionSite(op, out, q, cache, sequences, tiles, sums)));
        steps.add(attention);
        steps.add(attention.new Merge());
    }

    private void add(Op op, Activations scratch, Map<Rope, Angles> angles, List<CompiledOp> steps) {
        Rows out = scratch.rows(op.out());
        switch (op) {
            case Op.Embed e -> steps.add(new RowOps.Embed(out, tensors.matrix(e.table())));
            case Op.RmsNorm n -> steps.add(norm(n, out, scratch.rows(n.in())));
            case Op.Linear l -> linear(l, scratch, steps);
            case HeadOp.RopeStoreKv r -> steps.add(rope(r, out, scratch.rows(r.qkv()), angles.get(r.rope())));
            case Op.PagedAttention a -> attention(a, out, scratch.rows(a.q()), steps);
            case Op.GatedAct g -> steps.add(new RowOps.Gated(out, scratch.rows(g.gateUp()), g.out().rows(),
                    kernels.rows().gate(g.kind())));
            case Op.AddPositions _, Op.LayerNorm _, Op.Act _, Op.Add _, Op.Scale _, HeadOp.NormHeads _, HeadOp.Rotate _, HeadOp.ScaleQueries _,
                 ExpertOp _, LatentOp _ -> throw new IllegalArgumentException("there are no kernels for " + op);
            case Op.SelectRows s -> steps.add(new RowOps.Select(out, scratch.rows(s.in())));
        }
    }
}
