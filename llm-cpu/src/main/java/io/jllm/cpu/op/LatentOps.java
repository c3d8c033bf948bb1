package io.jllm.cpu.op;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.LatentOp;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;

/** Products by matrices of heads, and latent attention's keys and values. */
final class LatentOps {
    private LatentOps() {
    }

    /**
     * Parts of rows as products of heads take them, head by head. An iteration is a group of rows of one head.
     *
     * @param heads the part of each head, as rows
     */
    record Arrange(Rows[] heads, BlockRows out, Value.Rows kind, PackedProducts products) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return heads.length * Math.ceilDiv(RowOps.rows(kind, b), BlockRows.GROUP);
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int rows = RowOps.rows(kind, b);
            int head = task % heads.length;
            int row = task / heads.length * BlockRows.GROUP;
            int count = BlockRows.size(row, rows);
            for (int t = 0; t < count; t++) {
                products.arrange(heads[head], row + t, out, head * rows + row, t, count, ws);
            }
        }
    }

    /** A product of one head, whose results go there; {@code arranged} if its rows stand behind those of the heads before. */
    record Head(Product product, boolean arranged, Target target) {
    }

    /**
     * A product for each head. An iteration is a range of rows of one.
     *
     * @param rows of each matrix
     * @param piece rows of an iteration
     */
    record HeadLinear(Head[] heads, int rows, int piece, Value.Rows kind) implements CompiledOp {
        private int pieces() {
            return Math.ceilDiv(rows, piece);
        }

        @Override
        public int tasks(StepBatch b) {
            return RowOps.rows(kind, b) == 0 ? 0 : heads.length * pieces();
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int from = task % pieces() * piece;
            compute(b, task / pieces(), from, Math.min(rows, from + piece), ws);
        }

        private void compute(StepBatch b, int head, int from, int to, Workspace ws) {
            Head h = heads[head];
            int tokens = RowOps.rows(kind, b);
            h.product.linear(from, to, h.arranged ? head * tokens : 0, tokens, h.target, 0, ws);
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            compute(b, 0, 0, Math.min(rows, LinearOp.MIN_ROWS), ws);
        }
    }

    /** All that latent attention stores but for products: parts to be rotated, the normed vector as key and as value. An iteration is a row. */
    record LatentRows(Rows out, Rows q, Rows kv, LatentOp.LatentShape shape, RowKernels.Norm norm, Value.Rows kind) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return RowOps.rows(kind, b);
        }

        @Override
        public void run(StepBatch b, int row, Workspace ws) {
            long rope = (long) shape.rope() * Float.BYTES;
            long nope = (long) shape.nope() * Float.BYTES;
            long latent = (long) shape.latent() * Float.BYTES;
            long at = out.row(row);
            for (int h = 0; h < shape.heads(); h++) {
                MemorySegment.copy(q.data(), q.row(row) + h * (nope + rope) + nope, out.data(), at, rope);
                at += rope + latent;
            }
            MemorySegment.copy(kv.data(), kv.row(row) + latent, out.data(), at, rope);
            norm.apply(kv.data(), kv.row(row), out.data(), at + rope, shape.latent(), ws);
            long value = at + rope + latent;
            for (long i = 0; i < rope; i += Float.BYTES) {
                out.data().set(FLOAT, value + i, 0);
            }
            MemorySegment.copy(out.data(), at + rope, out.data(), value + rope, latent);
        }
    }
}
