package io.jllm.cpu.op;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.model.ExpertOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.spi.ActivationListener;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Compiles products of which each row of a step meets some parts only: experts, or heads. */
final class PartCompiler {
    private final Activations scratch;
    private final DeviceWeights tensors;
    private final CpuKernels kernels;
    private final int threads;
    private final ActivationListener listener;
    private final List<CompiledOp> steps;
    private final Map<Value, Grouping> groupings = new HashMap<>();

    /**
     * A compiler for one scratch memory.
     *
     * @param listener is told what matrices are multiplied with
     * @param steps receives what is compiled
     */
    PartCompiler(Activations scratch, DeviceWeights tensors, CpuKernels kernels, int threads, ActivationListener listener,
            List<CompiledOp> steps) {
        this.listener = listener;
        this.scratch = scratch;
        this.tensors = tensors;
        this.kernels = kernels;
        this.threads = threads;
        this.steps = steps;
    }

    void add(ExpertOp.ExpertLinear l) {
        Grouping grouping = grouping(l.route(), l.experts());
        tap(scratch.rows(l.in()), grouping.topK(), grouping, l.weights());
        List<List<Matrix>> matrices = l.weights().stream().map(w -> tensors.experts(w, l.experts())).toList();
        Product[][] products = products(matrices, scratch.rows(l.in()), grouping.topK(), grouping);
        steps.add(new ExpertOps.Linear(scratch.rows(l.out()), products, l.weights().stream().mapToInt(Weight::rows).toArray(), l.weighted(), grouping,
                kernels.rows(), threads));
    }

    void add(ExpertOp.ExpertSum s) {
        Grouping grouping = grouping(s.route(), s.experts());
        Rows in = scratch.rows(s.in());
        var pairs = new Rows(in.data(), in.at(), in.width() / s.topK());
        tap(pairs, 1, grouping, List.of(s.weight()));
        Product[] products = products(List.of(tensors.experts(s.weight(), s.experts())), pairs, 1, grouping)[0];
        steps.add(new ExpertOps.Sum(scratch.rows(s.out()), products, s.weighted(), s.residual().map(scratch::rows), grouping, kernels.rows(),
                threads));
    }

    private void tap(Rows in, int shared, Grouping grouping, List<Weight> weights) {
        if (listener != ActivationListener.NONE) {
            steps.add(new TapOp.Experts(in, shared, grouping, weights.stream().map(Weight::name).toList(), listener));
        }
    }

    /** One for all that goes by a route. */
    private Grouping grouping(Value route, int experts) {
        return groupings.computeIfAbsent(route, r -> {
            int rows = r.rows() == Value.Rows.TOKENS ? scratch.tokens() : scratch.logitRows();
            var made = new Grouping(scratch.rows(r), r.rows(), r.width() / 2, experts, rows);
            steps.add(made);
            return made;
        });
    }

    /** Arranges rows for experts as their matrices want them, and makes products of these. */
    private Product[][] products(List<List<Matrix>> matrices, Rows in, int shared, Grouping grouping) {
        Map<TokenFormat, BlockRows> arranged = new EnumMap<>(TokenFormat.class);
        Optional<Rows> gathered = Optional.empty();
        for (Matrix m : matrices.stream().flatMap(Collection::stream).toList()) {
            if (m instanceof PackedMatrix p) {
                PackedProducts packed = kernels.packed(p.format()).orElseThrow();
                if (!arranged.containsKey(packed.tokens())) {
                    BlockRows rows = scratch.arranged(packed.tokens(), p.cols());
                    arranged.put(packed.tokens(), rows);
                    steps.add(new ExpertOps.Arrange(in, shared, rows, packed, grouping));
                }
            } else if (gathered.isEmpty()) {
                gathered = Optional.of(scratch.gathered(in.width()));
                steps.add(new ExpertOps.Gather(in, shared, gathered.get(), grouping));
            }
        }
        Rows stored = gathered.orElse(in);
        return matrices.stream().map(experts -> experts.stream().map(m -> Product.of(m, stored, arranged, kernels)).toArray(Product[]::new))
                .toArray(Product[][]::new);
    }

    void add(LatentOp.HeadLinear l) {
        Rows in = scratch.rows(l.in());
        int rows = l.out().width() / l.heads();
        heads(l.weight(), heads(in, l.heads(), in.width() / l.heads(), l.skip()), scratch.rows(l.out()), rows, rows, 0, l.out().rows());
    }

    void add(LatentOp.LatentQkv l) {
        LatentOp.LatentShape s = l.shape();
        Rows out = scratch.rows(l.out());
        Rows q = scratch.rows(l.q());
        heads(l.keys(), heads(q, s.heads(), s.nope() + s.rope(), 0), out, s.latent(), s.rope() + s.latent(), s.rope(), l.out().rows());
        steps.add(new LatentOps.LatentRows(out, q, scratch.rows(l.kv()), s, kernels.rows().norm(tensors.vector(l.norm()), l.eps()), l.out().rows()));
    }

    /** The parts of rows that heads have, so many floats each, from a number of floats on. */
    private static Rows[] heads(Rows in, int heads, int stride, int skip) {
        var parts = new Rows[heads];
        for (int h = 0; h < heads; h++) {
            parts[h] = new Rows(in.data(), in.at() + ((long) h * stride + skip) * Float.BYTES, in.width());
        }
        return parts;
    }

    /**
     * Products of heads, of so many rows each.
     *
     * @param stride floats from head to head in {@code out}
     * @param column where there the first one's results start
     */
    private void heads(String name, Rows[] in, Rows out, int rows, int stride, int column, Value.Rows kind) {
        List<Matrix> matrices = tensors.heads(name, in.length);
        Map<TokenFormat, BlockRows> arranged = new EnumMap<>(TokenFormat.class);
        if (matrices.getFirst() instanceof PackedMatrix p) { // and so are the others
            PackedProducts packed = kernels.packed(p.format()).orElseThrow();
            BlockRows to = scratch.arranged(packed.tokens(), p.cols());
            arranged.put(packed.tokens(), to);
            steps.add(new LatentOps.Arrange(in, to, kind, packed));
        }
        var heads = new LatentOps.Head[in.length];
        for (int h = 0; h < heads.length; h++) {
            heads[h] = new LatentOps.Head(Product.of(matrices.get(h), in[h], arranged, kernels), !arranged.isEmpty(),
                    new Target(out, column + h * stride, Optional.empty()));
        }
        int piece = Math.min(rows, LinearOp.piece(heads.length * rows, threads));
        steps.add(new LatentOps.HeadLinear(heads, rows, piece, kind));
    }
}
