package io.jllm.cpu.op;

import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.ProductTile;
import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Optional;

/** Products by experts: each is computed for all rows that chose it, so that its weights are read once. */
final class ExpertOps {
    private ExpertOps() {
    }

    /**
     * Rows as products of rearranged experts take them, expert by expert. An iteration is a group of up to 8.
     *
     * @param in a row for each pair, or one that all pairs of a row of the step share
     * @param shared how many share one
     */
    record Arrange(Rows in, int shared, BlockRows out, PackedProducts products, Grouping grouping) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return grouping.rows(b) == 0 ? 0 : grouping.groups();
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int first = grouping.group(task);
            int count = grouping.groupSize(task);
            for (int t = 0; t < count; t++) {
                products.arrange(in, grouping.pair(first + t) / shared, out, first, t, count, ws);
            }
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            grouping.spread(b);
            run(b, 0, ws);
        }
    }

    /** The same for experts that are not rearranged: rows of floats, expert by expert. */
    record Gather(Rows in, int shared, Rows out, Grouping grouping) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return grouping.rows(b) == 0 ? 0 : grouping.groups();
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int first = grouping.group(task);
            for (int p = first; p < first + grouping.groupSize(task); p++) {
                MemorySegment.copy(in.data(), in.row(grouping.pair(p) / shared), out.data(), out.row(p), (long) out.width() * Float.BYTES);
            }
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            grouping.spread(b);
            run(b, 0, ws);
        }
    }

    /** Matrices of experts side by side. An iteration is a range of rows of one matrix of one expert, for all rows that chose it. */
    static final class Linear implements CompiledOp {
        /** Rows of a step whose products are computed before they are put where they belong. */
        private static final int TOKENS = 64;

        /** Some rows of a matrix of each expert; the results of the first one go to {@code column}. */
        private record Piece(Product[] experts, int rows, int from, int to, int column) {
        }

        private final Rows out;
        private final boolean weighted;
        private final Grouping grouping;
        private final RowKernels kernels;
        private final Piece[] pieces;

        /**
         * Products.
         *
         * @param products of each matrix, by expert
         * @param rows of each matrix
         */
        Linear(Rows out, Product[][] products, int[] rows, boolean weighted, Grouping grouping, RowKernels kernels, int threads) {
            this.out = out;
            this.weighted = weighted;
            this.grouping = grouping;
            this.kernels = kernels;
            int most = Math.min(ProductTile.ROWS, LinearOp.piece(out.width(), threads));
            var list = new ArrayList<Piece>();
            int column = 0;
            for (int m = 0; m < products.length; m++) {
                for (int r = 0; r < rows[m]; r += most) {
                    list.add(new Piece(products[m], rows[m], r, Math.min(rows[m], r + most), column + r));
                }
                column += rows[m] * grouping.topK();
            }
            pieces = list.toArray(Piece[]::new);
        }

        @Override
        public int tasks(StepBatch b) {
            return grouping.rows(b) == 0 ? 0 : grouping.actives() * pieces.length;
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            Piece p = pieces[task % pieces.length];
            compute(grouping.active(task / pieces.length), p, p.to, ws);
        }

        private void compute(int expert, Piece p, int to, Workspace ws) {
            int n = to - p.from;
            int end = grouping.start(expert) + grouping.size(expert);
            for (int first = grouping.start(expert); first < end; first += TOKENS) {
                int count = Math.min(TOKENS, end - first);
                Target tile = ws.products().target(count, n, p.from);
                p.experts[expert].linear(p.from, to, first, count, tile, 0, ws);
                for (int i = 0; i < count; i++) {
                    int pair = grouping.pair(first + i);
                    long at = out.row(pair / grouping.topK()) + (p.column + (long) pair % grouping.topK() * p.rows) * Float.BYTES;
                    if (weighted) {
                        kernels.multiply(tile.rows().data(), tile.rows().row(i), grouping.weight(pair), out.data(), at, n);
                    } else {
                        MemorySegment.copy(tile.rows().data(), tile.rows().row(i), out.data(), at, (long) n * Float.BYTES);
                    }
                }
            }
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            grouping.spread(b);
            for (Piece p : pieces) {
                if (p.from == 0) {
                    compute(0, p, Math.min(p.to, LinearOp.MIN_ROWS), ws);
                }
            }
        }
    }

    /**
     * Sums over experts. An iteration is a range of rows of the matrices of all experts, whose products are added up for each row of the step in the
     * order of its choices: so neighbours do not change the sum.
     */
    static final class Sum implements CompiledOp {
        /** Floats of products that wait for being added up, unless there are so many rows: a second cache. */
        private static final int WAITING = 1 << 18;

        private final Rows out;
        private final Product[] experts;
        private final boolean weighted;
        private final Optional<Rows> residual;
        private final Grouping grouping;
        private final RowKernels kernels;
        private final int most;
        private int piece;

        Sum(Rows out, Product[] experts, boolean weighted, Optional<Rows> residual, Grouping grouping, RowKernels kernels, int threads) {
            this.out = out;
            this.experts = experts;
            this.weighted = weighted;
            this.residual = residual;
            this.grouping = grouping;
            this.kernels = kernels;
            most = Math.min(ProductTile.ROWS, LinearOp.piece(out.width(), threads));
            piece = most;
        }

        @Override
        public int tasks(StepBatch b) {
            int rows = grouping.rows(b);
            if (rows == 0) {
                return 0;
            }
            int fitting = WAITING / (rows * grouping.topK()) / LinearOp.MIN_ROWS * LinearOp.MIN_ROWS;
            piece = Math.clamp(fitting, LinearOp.MIN_ROWS, most);
            return Math.ceilDiv(out.width(), piece);
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            compute(b, task * piece, Math.min(out.width(), (task + 1) * piece), ws);
        }

        private void compute(StepBatch b, int from, int to, Workspace ws) {
            int topK = grouping.topK();
            int n = to - from;
            Target tile = ws.products().target(grouping.rows(b) * topK, n, from);
            for (int i = 0; i < grouping.actives(); i++) {
                int expert = grouping.active(i);
                int first = grouping.start(expert);
                experts[expert].linear(from, to, first, grouping.size(expert), tile, first, ws);
            }
            Rows products = tile.rows();
            for (int t = 0; t < grouping.rows(b); t++) {
                long at = out.row(t) + (long) from * Float.BYTES;
                for (int j = 0; j < topK; j++) {
                    int pair = t * topK + j;
                    float weight = weighted ? grouping.weight(pair) : 1;
                    long product = products.row(grouping.place(pair));
                    if (j > 0) {
                        kernels.add(out.data(), at, products.data(), product, weight, out.data(), at, n);
                    } else if (residual.isPresent()) {
                        Rows r = residual.get();
                        kernels.add(r.data(), r.row(t) + (long) from * Float.BYTES, products.data(), product, weight, out.data(), at, n);
                    } else {
                        kernels.multiply(products.data(), product, weight, out.data(), at, n);
                    }
                }
            }
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            grouping.spread(b);
            compute(b, 0, Math.min(out.width(), LinearOp.MIN_ROWS), ws);
        }
    }
}
