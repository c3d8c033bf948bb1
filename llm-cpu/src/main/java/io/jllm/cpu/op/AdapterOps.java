package io.jllm.cpu.op;

import io.jllm.cpu.adapter.AdapterRows;
import io.jllm.cpu.adapter.AdapterSet;
import io.jllm.cpu.adapter.NormSite;
import io.jllm.cpu.adapter.ProductSite;
import io.jllm.cpu.adapter.TableSite;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** What adapters change of the rows that are theirs, after the model's own ops. A task is a piece of rows of one adapter, or a part of it. */
final class AdapterOps {
    /** Rows of another matrix of a task. */
    private static final int ROWS = 256;

    private AdapterOps() {
    }

    /**
     * Products side by side, as {@link LinearOp} computes them.
     *
     * @param columns where each begins among the outputs, and the end
     * @param residual where the residual was before the products; it may be where {@code out} is
     */
    record Linear(AdapterSet adapters, ProductSite[] sites, int[] columns, Rows in, Rows out, Optional<Rows> residual, Value.Rows kind, Room room) {
        /** Those of such products. */
        static Linear of(AdapterSet adapters, ProductSite[] sites, int[] columns, Rows in, Rows out, Optional<Rows> residual, Value.Rows kind) {
            return new Linear(adapters, sites, columns, in, out, residual, kind, new Room());
        }

        private AdapterRows pieces() {
            return adapters.rows(kind);
        }

        private boolean any(int piece, Need need) {
            for (ProductSite s : sites) {
                if (need.of(s, pieces().adapter(piece))) {
                    return true;
                }
            }
            return false;
        }

        /** Pieces up to the last one of an adapter that needs it at any place. */
        private int needing(Need need) {
            int last = 0;
            for (int p = 0; p < pieces().count(); p++) {
                last = any(p, need) ? p + 1 : last;
            }
            return last;
        }

        /**
         * Adds to some outputs of one of the matrices what {@link Thin} leads to, where that is all that changes; for whoever has just computed
         * these, for all rows.
         *
         * @param from a multiple of 16
         */
        void add(int matrix, int from, int to) {
            ProductSite site = sites[matrix];
            AdapterRows pieces = pieces();
            for (int p = 0; p < pieces.count(); p++) {
                int adapter = pieces.adapter(p);
                if (!site.needsFinish(adapter)) {
                    site.add(adapter, room.thin[matrix], pieces.first(p), pieces.size(p), from, to, out, columns[matrix],
                            pieces.adapter(Math.min(p + 1, pieces.count() - 1)));
                }
            }
        }

        /** Memory for a step: outputs of thin matrices, then kept residuals. */
        private void prepare(StepBatch b) {
            int rows = RowOps.rows(kind, b);
            int thin = adapters.thin();
            long kept = residual.isPresent() ? out.width() : 0;
            MemorySegment data = adapters.scratch(rows * ((long) sites.length * thin + kept));
            room.place(data, rows, sites.length, thin, out.width());
        }

        private Optional<Rows> kept() {
            return residual.isPresent() ? room.kept : Optional.empty();
        }
    }

    /** What an adapter may need at a place. */
    private interface Need {
        boolean of(ProductSite site, int adapter);
    }

    /** Where what is computed on the way lies; found once a step. */
    static final class Room {
        private Rows[] thin = {};
        private Optional<Rows> kept = Optional.empty();
        private int rows;

        private void place(MemorySegment data, int count, int sites, int width, int outputs) {
            if (thin.length == sites && thin[0].data() == data && rows == count && thin[0].width() == width) {
                return;
            }
            rows = count;
            thin = new Rows[sites];
            long bytes = (long) count * width * Float.BYTES;
            for (int i = 0; i < sites; i++) {
                thin[i] = new Rows(data, i * bytes, width);
            }
            kept = Optional.of(new Rows(data, sites * bytes, outputs));
        }
    }

    /** Keeps the residual of rows whose products must be known apart from it: they may take its place. */
    record Keep(Linear op) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            int tasks = op.needing(ProductSite::needsResidual);
            if (tasks > 0) {
                op.prepare(b);
            }
            return tasks;
        }

        @Override
        public void run(StepBatch b, int piece, Workspace ws) {
            Rows from = op.residual.orElseThrow();
            Rows to = op.room.kept.orElseThrow();
            int first = op.pieces().first(piece);
            if (op.any(piece, ProductSite::needsResidual)) {
                MemorySegment.copy(from.data(), from.row(first), to.data(), to.row(first), (long) op.pieces().size(piece) * to.width() * Float.BYTES);
            }
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            // there is no adapter yet
        }
    }

    /** Products by other matrices, in place of the model's. */
    record Other(Linear op) implements CompiledOp {
        private int parts() {
            return Math.ceilDiv(op.out.width(), ROWS) + op.sites.length;
        }

        @Override
        public int tasks(StepBatch b) {
            int pieces = op.needing(ProductSite::isOther);
            if (pieces > 0) {
                op.prepare(b);
            }
            return pieces * parts();
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int piece = task / parts();
            int part = task % parts();
            int adapter = op.pieces().adapter(piece);
            for (int s = 0; s < op.sites.length; s++) {
                int rows = op.columns[s + 1] - op.columns[s];
                int own = Math.ceilDiv(rows, ROWS);
                if (part < own && op.sites[s].isOther(adapter)) {
                    op.sites[s].multiplyOther(adapter, part * ROWS, Math.min(rows, (part + 1) * ROWS), op.in, op.pieces().first(piece),
                            op.pieces().size(piece), new Target(op.out, op.columns[s], op.kept()), ws);
                }
                part -= own;
                if (part < 0) {
                    return;
                }
            }
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            // there is no adapter yet
        }
    }

    /** The way to outputs, while activations are arranged for the model's products: both read the same, and neither waits for the other. */
    record Thin(Linear op, CompiledOp beside) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            int pieces = op.pieces().count();
            if (pieces > 0) {
                op.prepare(b);
            }
            return beside.tasks(b) + pieces * op.sites.length;
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int own = task - beside.tasks(b);
            if (own < 0) {
                beside.run(b, task, ws);
                return;
            }
            int piece = own / op.sites.length;
            int site = own % op.sites.length;
            op.sites[site].multiplyThin(op.pieces().adapter(piece), op.in, op.pieces().first(piece), op.pieces().size(piece), op.room.thin[site], ws);
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            beside.warmUp(b, ws);
        }
    }

    /** What else becomes of products, of one matrix in a task. */
    record Finish(Linear op) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return op.needing(ProductSite::needsFinish) * op.sites.length;
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int piece = task / op.sites.length;
            int site = task % op.sites.length;
            int adapter = op.pieces().adapter(piece);
            int first = op.pieces().first(piece);
            for (int row = first; row < first + op.pieces().size(piece) && op.sites[site].needsFinish(adapter); row++) {
                op.sites[site].finish(adapter, op.room.thin[site], row, op.columns[site + 1] - op.columns[site], op.out, op.columns[site], op.kept());
            }
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            // there is no adapter yet
        }
    }

    /** Rows of a table. */
    record Table(AdapterSet adapters, TableSite site, Rows out) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return adapters.rows(Value.Rows.TOKENS).count();
        }

        @Override
        public void run(StepBatch b, int piece, Workspace ws) {
            AdapterRows rows = adapters.rows(Value.Rows.TOKENS);
            int first = rows.first(piece);
            for (int t = first; t < first + rows.size(piece); t++) {
                site.apply(rows.adapter(piece), b.tokenIds[t], out, t, ws);
            }
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            // there is no adapter yet
        }
    }

    /** Norms with other weights. */
    record Norm(AdapterSet adapters, NormSite site, Rows in, Rows out, Value.Rows kind) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return adapters.rows(kind).count();
        }

        @Override
        public void run(StepBatch b, int piece, Workspace ws) {
            AdapterRows rows = adapters.rows(kind);
            int first = rows.first(piece);
            for (int r = first; r < first + rows.size(piece); r++) {
                site.apply(rows.adapter(piece), in, out, r, ws);
            }
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            // there is no adapter yet
        }
    }
}
