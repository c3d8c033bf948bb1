package io.jllm.cpu.op;

import io.jllm.cpu.adapter.AdapterSet;
import io.jllm.cpu.adapter.ProductSite;
import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.model.Op;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.spi.ActivationListener;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Compiles products: matrices side by side, in whatever order their columns are, with what adapters add to them. */
final class ProductCompiler {
    private static final float[] NO_BIAS = {};
    private static final int[] IN_ORDER = {};

    private final Activations scratch;
    private final DeviceWeights tensors;
    private final CpuKernels kernels;
    private final int threads;
    private final AdapterSet adapters;
    private final ActivationListener listener;
    private final List<CompiledOp> steps;

    /** Adds to `steps`; the rest as {@link Compiler} has it. */
    ProductCompiler(Activations scratch, DeviceWeights tensors, CpuKernels kernels, int threads, AdapterSet adapters, ActivationListener listener,
            List<CompiledOp> steps) {
        this.scratch = scratch;
        this.tensors = tensors;
        this.kernels = kernels;
        this.threads = threads;
        this.adapters = adapters;
        this.listener = listener;
        this.steps = steps;
    }

    /** Adds a product's steps. */
    void add(Op.Linear l) {
        List<Matrix> matrices = l.weights().stream().map(tensors::matrix).toList();
        if (listener != ActivationListener.NONE) {
            steps.add(new TapOp.Whole(scratch.rows(l.in()), l.out().rows(), l.weights().stream().map(Weight::name).toList(), listener));
        }
        Optional<AdapterOps.Linear> adapted = adapted(l);
        if (l.residual().isPresent()) {
            adapted.ifPresent(op -> steps.add(new AdapterOps.Keep(op)));
        }
        int start = steps.size();
        // activations are arranged for one order of columns at a time, and one rule of what is rounded
        int column = 0;
        for (int from = 0, to; from < matrices.size(); from = to) {
            Matrix first = matrices.get(from);
            for (to = from + 1; to < matrices.size() && alike(first, matrices.get(to));) {
                to++;
            }
            List<Matrix> run = matrices.subList(from, to);
            int number = from;
            LinearOp.Then then = adapted.<LinearOp.Then>map(op -> (matrix, begin, end) -> op.add(number + matrix, begin, end))
                    .orElse(LinearOp.Then.NOTHING);
            if (outliers(first) > 0) {
                outliers(l, run.stream().map(PackedMatrix.class::cast).toList(), column, then);
            } else {
                linear(l, run, column, order(first), then);
            }
            column += run.stream().mapToInt(Matrix::rows).sum();
        }
        adapted.ifPresent(op -> {
            beside(op, start);
            steps.addAll(List.of(new AdapterOps.Other(op), new AdapterOps.Finish(op)));
        });
    }

    /** The way to what adapters add, with the first of a product's steps; by itself if that is the product. */
    private void beside(AdapterOps.Linear op, int start) {
        switch (steps.get(start)) {
            case LinearOp _ -> steps.add(start, new AdapterOps.Thin(op, CompiledOp.NOTHING));
            case CompiledOp first -> steps.set(start, new AdapterOps.Thin(op, first));
        }
    }

    private boolean alike(Matrix a, Matrix b) {
        return Arrays.equals(order(a), order(b)) && outliers(a) == outliers(b);
    }

    /** Products whose matrices have their columns in one order. */
    private void linear(Op.Linear l, List<Matrix> matrices, int column, int[] order, LinearOp.Then then) {
        Value.Rows kind = l.out().rows();
        Map<TokenFormat, BlockRows> arranged = new EnumMap<>(TokenFormat.class);
        for (Matrix m : matrices) {
            if (m instanceof PackedMatrix p) {
                PackedProducts packed = kernels.packed(p.format()).orElseThrow();
                TokenFormat format = packed.tokens();
                if (!arranged.containsKey(format)) {
                    BlockRows rows = scratch.arranged(format, p.cols());
                    arranged.put(format, rows);
                    steps.add(new ArrangeOp(scratch.rows(l.in()), rows, kind, packed, order));
                }
            }
        }
        products(l, matrices, column, arranged, then);
    }

    private void products(Op.Linear l, List<? extends Matrix> matrices, int column, Map<TokenFormat, BlockRows> arranged,
            LinearOp.Then then) {
        steps.add(new LinearOp(scratch.rows(l.out()), scratch.rows(l.in()), arranged, l.residual().map(scratch::rows), l.out().rows(),
                List.copyOf(matrices), column, then, kernels, threads));
    }

    /** Products whose large inputs meet weights as floats. */
    private void outliers(Op.Linear l, List<PackedMatrix> matrices, int column, LinearOp.Then then) {
        PackedMatrix first = matrices.getFirst();
        TokenFormat format = kernels.packed(first.format()).orElseThrow().tokens();
        BlockRows rows = scratch.arranged(format, first.cols());
        var found = new OutlierOps.Columns(scratch.rows(l.in()), l.out().rows(), first.outliers());
        steps.add(new OutlierOps.Find(found));
        steps.add(new OutlierOps.Collect(found));
        steps.add(new OutlierOps.Arrange(found, rows));
        products(l, matrices, column, Map.of(format, rows), then);
        steps.add(new OutlierOps.Add(found, scratch.rows(l.out()), matrices, column));
    }

    /** From which magnitude on inputs are not rounded, where others are; 0 if there is no such thing. */
    private float outliers(Matrix m) {
        return m instanceof PackedMatrix p && kernels.packed(p.format()).orElseThrow().tokens() != TokenFormat.FLOATS ? p.outliers() : 0;
    }

    private static int[] order(Matrix m) {
        return switch (m) {
            case PackedMatrix p -> p.order();
            case StoredMatrix _ -> IN_ORDER;
        };
    }

    /** The places of all that adapters can change are made at once; ops for them only where one does. */
    private Optional<AdapterOps.Linear> adapted(Op.Linear l) {
        var sites = new ProductSite[l.weights().size()];
        var columns = new int[sites.length + 1];
        for (int i = 0; i < sites.length; i++) {
            Weight w = l.weights().get(i);
            sites[i] = adapters.product(w.name(), w.bias().map(tensors::vector).orElse(NO_BIAS));
            columns[i + 1] = columns[i] + w.rows();
        }
        if (Arrays.stream(sites).allMatch(ProductSite::isEmpty)) {
            return Optional.empty();
        }
        return Optional.of(AdapterOps.Linear.of(adapters, sites, columns, scratch.rows(l.in()), scratch.rows(l.out()),
                l.residual().map(scratch::rows), l.out().rows()));
    }
}
