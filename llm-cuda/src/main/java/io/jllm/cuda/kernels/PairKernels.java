package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.kernels.TensorKernels.Matrix;
import io.jllm.cuda.kernels.TensorKernels.Operand;
import io.jllm.cuda.kernels.TensorKernels.Result;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Launches {@code product/pair_wgmma.cu}: a matrix of 16 bits by up to some hundred rows of 16 bits on Hopper's tensor cores, in pairs of blocks that
 * share rows of x.
 */
public final class PairKernels {
    private static final String FAMILY = "pair_wgmma_";
    private static final int NUMBERS = 9;
    /** Of 100 multiprocessors those that clusters of one, two, three and four pairs find room on, a block each. */
    private static final int[] REACHED = {100, 90, 77, 90};

    private final Kernels kernels;
    private final Arena arena;

    /** Launches whose memory the arena owns. */
    PairKernels(Kernels kernels, Arena arena) {
        this.kernels = kernels;
        this.arena = arena;
    }

    /**
     * A way to cut the product.
     *
     * @param name of the kind
     * @param shape threads, rows of the matrix, columns of a step, rows of x, of its boxes, blocks of a pair, bytes, ns a step, ns a tile
     * @param split pairs that share the columns
     * @param pairs in all
     * @param nanos how long it should take
     */
    private record Cut(String name, int[] shape, int split, int pairs, long nanos) {
    }

    /** Whether the device has them: from a few rows on they are faster than {@link FewKernels}. */
    public static boolean exist(Kernels kernels) {
        return kernels.find(FAMILY + "f16_n12_g2").isPresent();
    }

    /** The product by as many rows as there are kernels for, which read the matrix ahead; {@code more} does it for others. */
    RowsLaunch upTo(Operand x, Matrix w, Result r, RowsLaunch more) {
        if (x.pieces() > 1 || !exist(kernels)) {
            return more;
        }
        RowsLaunch all = more;
        for (int columns : columns().reversed()) {
            all = new RowsLaunch.UpTo(columns, one(x, w, r, best(w, columns)), all);
        }
        return all;
    }

    private List<String> kinds() {
        return List.of(kernels.text(FAMILY + "kinds").strip().split(" "));
    }

    /** Rows of x of the kinds. */
    private List<Integer> columns() {
        return kinds().stream().map(k -> kernels.shape(FAMILY + k, NUMBERS)[3]).distinct().sorted().toList();
    }

    private Cut best(Matrix w, int columns) {
        var cuts = new ArrayList<Cut>();
        for (String name : kinds()) {
            int[] shape = kernels.shape(FAMILY + name, NUMBERS);
            int pairs = Math.ceilDiv(w.rows(), shape[5] * shape[1]);
            int steps = Math.ceilDiv(w.cols(), shape[2]);
            for (int split = 1; split <= Math.min(REACHED.length, steps) && shape[3] == columns; split++) {
                int clusters = Math.max(1, kernels.multiprocessors() * REACHED[split - 1] / 100 / (shape[5] * split));
                cuts.add(new Cut(name, shape, split, pairs,
                        Math.ceilDiv(pairs, clusters) * ((long) Math.ceilDiv(steps, split) * shape[7] + shape[8])));
            }
        }
        return cuts.stream().min(Comparator.comparingLong(Cut::nanos)).orElseThrow();
    }

    private RowsLaunch one(Operand x, Matrix w, Result r, Cut c) {
        String name = FAMILY + (r.narrow().isPresent() ? "narrow_" : "") + w.type().suffix() + "_" + c.name;
        Launch.Builder b = kernels.launch(arena, name, c.shape[0], c.shape[6]).cluster(c.shape[5] * c.split)
                .map("x", x.map(arena, c.shape[4])).map("w", w.map(arena, c.shape[1] / 2)).pointer("scale", x.usedScales()).real("unit", x.unit());
        Launch launch = r.narrow().map(to -> b.pointer("y", to.address()).integer("ldy", to.pitch()).real("shrink", 1 / to.unit()))
                .orElseGet(() -> b.pointer("bias", r.bias()).pointer("residual", r.residual().floats()).integer("ldr", r.residual().pitch())
                        .pointer("y", r.y().floats()).integer("ldy", r.y().pitch()))
                .integer("N", r.outputs()).integer("K", x.cols()).integer("rows", 0).integer("act", r.act()).build();
        return new RowsLaunch.Told(launch, c.pairs * c.shape[5] * c.split);
    }
}
