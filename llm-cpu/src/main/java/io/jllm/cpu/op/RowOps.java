package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.machine.RowFunctions;
import io.jllm.model.Op;
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
    record Norm(Rows out, Rows in, Value.Rows kind, float[] weight, float eps, Kernels kernels) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return rows(kind, b);
        }

        @Override
        public void run(StepBatch b, int r, Workspace ws) {
            kernels.rmsNorm(in.data(), in.row(r), out.data(), out.row(r), in.width(), weight, eps, ws);
        }
    }

    /** The same in machine code. */
    record MachineNorm(Rows out, Rows in, Value.Rows kind, MemorySegment weight, RowFunctions functions) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return rows(kind, b);
        }

        @Override
        public void run(StepBatch b, int r, Workspace ws) {
            functions.norm(in.data().address() + in.row(r), out.data().address() + out.row(r), weight, in.width());
        }
    }

    /** Computes some columns of a row of a gated activation. */
    interface Columns {
        /**
         * Computes {@code n} of them.
         *
         * @param gate offset of the first in the input
         * @param up offset of what it is multiplied by, there too
         * @param to where it goes in the output
         */
        void compute(long gate, long up, long to, int n, Workspace ws);
    }

    /** By kernels. */
    static Columns columns(Rows out, Rows in, Op.Activation activation, Kernels kernels) {
        return (gate, up, to, n, ws) -> kernels.gated(activation, in.data(), gate, up, out.data(), to, n, ws);
    }

    /** In machine code. */
    static Columns columns(Rows out, Rows in, Op.Activation activation, RowFunctions functions) {
        long from = in.data().address();
        long into = out.data().address();
        return switch (activation) {
            case SILU -> (gate, up, to, n, _) -> functions.silu(from + gate, from + up, into + to, n);
            case GELU_TANH -> (gate, up, to, n, _) -> functions.gelu(from + gate, from + up, into + to, n);
        };
    }

    /** Gated activation. */
    record Gated(Rows out, Rows in, Value.Rows kind, Columns columns) implements CompiledOp {
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
            long gate = in.row(row) + at;
            columns.compute(gate, gate + (long) out.width() * Float.BYTES, out.row(row) + at, Math.min(COLUMNS, out.width() - column), ws);
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
