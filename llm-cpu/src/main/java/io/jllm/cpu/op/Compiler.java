package io.jllm.cpu.op;

import io.jllm.cpu.adapter.AdapterSet;
import io.jllm.cpu.adapter.NormSite;
import io.jllm.cpu.adapter.TableSite;
import io.jllm.cpu.kernels.Angles;
import io.jllm.cpu.kernels.AttentionSite;
import io.jllm.cpu.kernels.AttentionTiles;
import io.jllm.cpu.kernels.ChunkSums;
import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.KvCache;
import io.jllm.cpu.kernels.RopeSite;
import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.SequenceIndex;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import io.jllm.spi.ActivationListener;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Turns a program into steps over given scratch memory. */
public final class Compiler {
    private static final float[] NO_SINKS = {};

    private final Program program;
    private final DeviceWeights tensors;
    private final KvCache cache;
    private final SequenceIndex sequences;
    private final CpuKernels kernels;
    private final int threads;
    private final ActivationListener listener;
    private final AdapterSet adapters;
    private final ChunkSums sums = new ChunkSums();

    /**
     * A compiler.
     *
     * @param kernels by which everything is computed
     * @param threads that will share the iterations
     * @param adapters what some rows are computed with beside the program's weights
     * @param listener is told what matrices are multiplied with
     */
    public Compiler(Program program, DeviceWeights tensors, KvCache cache, SequenceIndex sequences, CpuKernels kernels, int threads,
            AdapterSet adapters, ActivationListener listener) {
        this.adapters = adapters;
        this.listener = listener;
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
    public Pass compile(Activations scratch) {
        Optional<Value> hidden = program.hidden();
        int body = 0;
        var steps = new ArrayList<CompiledOp>();
        Map<Rope, Angles> angles = new LinkedHashMap<>();
        var parts = new PartCompiler(scratch, tensors, kernels, threads, listener, steps);
        for (Op op : program.ops()) {
            rope(op).filter(r -> !angles.containsKey(r)).ifPresent(r -> {
                var table = new Angles(r, scratch.tokens());
                angles.put(r, table);
                steps.add(new RopeTable(table, sequences));
            });
            add(op, scratch, angles, parts, steps);
            body = hidden.filter(op.out()::equals).isPresent() ? steps.size() : body;
        }
        return new Pass(steps, steps.subList(0, body));
    }

    /**
     * A program, compiled.
     *
     * @param all from token ids to logits
     * @param body the first of these, to the hidden state
     */
    public record Pass(List<CompiledOp> all, List<CompiledOp> body) {
    }

    private static Optional<Rope> rope(Op op) {
        return switch (op) {
            case HeadOp.RopeStoreKv r -> Optional.of(r.rope());
            case HeadOp.Rotate r -> Optional.of(r.rope());
            default -> Optional.empty();
        };
    }

    private void norm(Op op, Value input, NormSite.Names names, NormSite.Maker maker, Activations scratch, List<CompiledOp> steps) {
        Rows in = scratch.rows(input);
        Rows out = scratch.rows(op.out());
        NormSite site = adapters.norm(names, maker);
        steps.add(new RowOps.Norm(out, in, op.out().rows(), maker.make(Optional.empty(), Optional.empty())));
        if (!site.isEmpty()) {
            steps.add(new AdapterOps.Norm(adapters, site, in, out, op.out().rows()));
        }
    }

    private void embed(Op.Embed e, Rows out, List<CompiledOp> steps) {
        TableSite site = adapters.table(e.table());
        steps.add(new RowOps.Embed(out, tensors.matrix(e.table())));
        if (!site.isEmpty()) {
            steps.add(new AdapterOps.Table(adapters, site, out));
        }
    }

    private void norm(Op.RmsNorm op, Activations scratch, List<CompiledOp> steps) {
        norm(op, op.in(), new NormSite.Names(Optional.of(op.weight()), Optional.empty()),
                (weight, _) -> kernels.rows().norm(weight.orElseGet(() -> tensors.vector(op.weight())), op.eps()), scratch, steps);
    }

    private void norm(Op.LayerNorm op, Activations scratch, List<CompiledOp> steps) {
        int width = op.in().width();
        norm(op, op.in(), new NormSite.Names(op.weight(), op.bias()), (weight, bias) -> norm(HeadOp.Kind.LAYER,
                weight.orElseGet(() -> vector(op.weight(), 1, width)), bias.orElseGet(() -> vector(op.bias(), 0, width)), op.eps()), scratch, steps);
    }

    /** A tensor's numbers, or as many times the same where there is no tensor. */
    private float[] vector(Optional<String> name, float otherwise, int length) {
        return name.map(tensors::vector).orElseGet(() -> filled(otherwise, length));
    }

    private static float[] filled(float x, int length) {
        var all = new float[length];
        Arrays.fill(all, x);
        return all;
    }

    private RowKernels.Norm norm(HeadOp.Kind kind, float[] weight, float[] bias, float eps) {
        return switch (kind) {
            case LAYER -> kernels.rows().layerNorm(weight, bias, eps);
            case RMS -> kernels.rows().norm(weight, eps);
        };
    }

    private HeadOps.Norms norms(Optional<HeadOp.HeadNorm> norm, int heads, int dim) {
        if (norm.isEmpty()) {
            return new HeadOps.Norms(List.of(), dim);
        }
        HeadOp.HeadNorm n = norm.get();
        boolean all = n.scope() == HeadOp.Scope.ALL;
        int width = all ? heads * dim : dim;
        var norms = new ArrayList<RowKernels.Norm>();
        for (int h = 0; h < (all ? 1 : heads); h++) {
            int row = n.scope() == HeadOp.Scope.EACH ? h : 0;
            float[] weight = n.weight().map(w -> tensors.vectors(w)[row]).orElseGet(() -> filled(1, width));
            float[] bias = n.bias().map(b -> tensors.vectors(b)[row]).orElseGet(() -> filled(0, width));
            RowKernels.Norm made = norm(n.kind(), weight, bias, n.eps());
            norms.add(n.kind() == HeadOp.Kind.RMS && n.bias().isPresent() ? HeadOps.withBias(made, bias) : made);
        }
        return new HeadOps.Norms(norms, width);
    }

    private CompiledOp rotate(HeadOp.Rotate op, Rows out, Rows in, Angles angles) {
        var shape = new RopeShape(op.shape().headDim(), op.rope().rotaryDim(), op.rope().layout() == Rope.Layout.NEOX, cache.blockSize());
        return new HeadOps.Rotate(out, in, op.shape(), kernels.rotation(shape, angles));
    }

    private CompiledOp rope(HeadOp.RopeStoreKv op, Rows out, Rows qkv, Angles angles) {
        Optional<RopeSite.Norms> norms = op.norm().map(n -> new RopeSite.Norms(tensors.vector(n.qWeight()), tensors.vector(n.kWeight()), n.eps()));
        return new RopeOp(kernels.rope(new RopeSite(op, out, qkv, cache, angles, norms)));
    }

    private void attention(Op.PagedAttention op, Rows out, Rows q, List<CompiledOp> steps) {
        var tiles = new AttentionTiles(op, sequences, threads);
        var attention = new AttentionOp(tiles, kernels.attention(new AttentionSite(op, out, q, cache, sequences, tiles,
                op.scores().sinks().map(tensors::vector).orElse(NO_SINKS), sums)));
        steps.add(attention);
        steps.add(attention.new Merge());
    }

    private void add(Op op, Activations scratch, Map<Rope, Angles> angles, PartCompiler parts, List<CompiledOp> steps) {
        Rows out = scratch.rows(op.out());
        RowKernels rows = kernels.rows();
        switch (op) {
            case Op.Embed e -> embed(e, out, steps);
            case Op.AddPositions p -> steps.add(new RowOps.AddPositions(out, scratch.rows(p.in()), tensors.matrix(p.table()), p.offset()));
            case Op.RmsNorm n -> norm(n, scratch, steps);
            case Op.LayerNorm n -> norm(n, scratch, steps);
            case Op.Linear l -> new ProductCompiler(scratch, tensors, kernels, threads, adapters, listener, steps).add(l);
            case HeadOp.RopeStoreKv r -> steps.add(rope(r, out, scratch.rows(r.qkv()), angles.get(r.rope())));
            case HeadOp.NormHeads n -> steps.add(new HeadOps.NormHeads(out, scratch.rows(n.in()), n.shape(),
                    norms(n.q(), n.shape().heads(), n.shape().headDim()), norms(n.k(), n.shape().kvHeads(), n.shape().headDim()), n.clip()));
            case HeadOp.Rotate r -> steps.add(rotate(r, out, scratch.rows(r.in()), angles.get(r.rope())));
            case HeadOp.ScaleQueries q -> steps.add(new HeadOps.ScaleQueries(out, scratch.rows(q.in()), q, rows));
            case Op.PagedAttention a -> attention(a, out, scratch.rows(a.q()), steps);
            case Op.GatedAct g -> steps.add(new RowOps.Gated(out, scratch.rows(g.gateUp()), g.out().rows(), rows.gate(g.kind())));
            case Op.Act a -> steps.add(new RowOps.Each(out, scratch.rows(a.in()), a.out().rows(), rows.act(a.kind())));
            case Op.Scale s -> steps.add(new RowOps.Each(out, scratch.rows(s.in()), s.out().rows(), rows.scale(s.factor(), s.softCap())));
            case Op.Add a -> steps.add(new RowOps.Add(out, scratch.rows(a.a()), scratch.rows(a.b()), a.scale(), a.gate().map(scratch::rows),
                    a.out().rows(), rows));
            case ExpertOp.Route r -> steps.add(new RouteOp(out, scratch.rows(r.logits()), r, vector(r.bias(), 0, r.logits().width())));
            case ExpertOp.ExpertLinear l -> parts.add(l);
            case ExpertOp.ExpertSum s -> parts.add(s);
            case LatentOp.LatentQkv l -> parts.add(l);
            case LatentOp.HeadLinear l -> parts.add(l);
            case Op.SelectRows s -> steps.add(new RowOps.Select(out, scratch.rows(s.in())));
        }
    }
}
