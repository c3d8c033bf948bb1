package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;

/** Ops that treat each row by itself. */
final class RowOps {
    /** Columns of a gated activation that make an iteration: some microseconds of work. */
    private static final int COLUMNS = 2048;

    private RowOps() {
    }

    /** How many rows a step has of that kind. */
    static int rows(Value.Rows rows, StepBatch b) {
        return rows == Value.Rows.TOKENS ? b.tokens : b.logitRows;
    }

    /** Decodes rows of the table. */
    record Embed(Rows out, Matrix table) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return b.tokens;
        }

        @Override
        public void run(StepBatch b, int t, Workspace ws) {
            int id = b.tokenIds[t];
            if (id < 0 || id >= table.rows()) {
                throw new IllegalArgumentException("token id " + id + " is not in the vocabulary of " + table.rows());
            }
            float[] row = ws.head(table.cols());
            table.decode(id, row);
            MemorySegment.copy(row, 0, out.data(), Rows.FLOAT, out.row(t), table.cols());
        }
    }

    /** Norms rows. */
    record Norm(Rows out, Rows in, Value.Rows kind, RowKernels.Norm norm) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return rows(kind, b);
        }

        @Override
        public void run(StepBatch b, int r, Workspace ws) {
            norm.apply(in.data(), in.row(r), out.data(), out.row(r), in.width(), ws);
        }
    }

    /** Gated activation. */
    record Gated(Rows out, Rows in, Value.Rows kind, RowKernels.Gate gate) implements CompiledOp {
        private int pieces() {
            return Math.ceilDiv(out.width(), COLUMNS);
        }

        @Override
        public int tasks(StepBatch b) {
            return rows(kind, b) * pieces();
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int row = task / pieces();
            int column = task % pieces() * COLUMNS;
            long at = (long) column * Float.BYTES;
            long from = in.row(row) + at;
            gate.apply(in.data(), from, from + (long) out.width() * Float.BYTES, out.data(), out.row(row) + at,
                    Math.min(COLUMNS, out.width() - column), ws);
        }
    }

    /** Copies the wanted rows. */
    record Select(Rows out, Rows in) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return b.logitRows;
        }

        @Override
        public void run(StepBatch b, int r, Workspace ws) {
            MemorySegment.copy(in.data(), in.row(b.logitRow[r]), out.data(), out.row(r), (long) in.width() * Float.BYTES);
        }
    }
}
