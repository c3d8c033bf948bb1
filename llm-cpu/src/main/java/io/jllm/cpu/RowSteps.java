package io.jllm.cpu;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.Rows;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.machine.RowFunctions;
import io.jllm.model.Op;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;

/** Ops that treat each row by itself. */
final class RowSteps {
    /** Columns of a gated activation that make an iteration: some microseconds of work. */
    private static final int COLUMNS = 2048;

    private RowSteps() {
    }

    /** How many rows a step has of that kind. */
    static int rows(Value.Rows rows, StepBatch b) {
        return rows == Value.Rows.TOKENS ? b.tokens : b.logitRows;
    }

    /** Decodes rows of the table. */
    record Embed(Rows out, Matrix table) implements Step {
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
    record Norm(Rows out, Rows in, Value.Rows kind, float[] weight, float eps, Kernels kernels) implements Step {
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
    record MachineNorm(Rows out, Rows in, Value.Rows kind, MemorySegment weight, RowFunctions functions) implements Step {
        @Override
        public int tasks(StepBatch b) {
            return rows(kind, b);
        }

        @Override
        public void run(StepBatch b, int r, Workspace ws) {
            functions.norm(in.data().address() + in.row(r), out.data().address() + out.row(r), weight, in.width());
        }
    }

    private static int pieces(Rows out) {
        return Math.ceilDiv(out.width(), COLUMNS);
    }

    /** Gated activation. */
    record Gated(Rows out, Rows in, Value.Rows kind, Op.Activation activation, Kernels kernels) implements Step {
        @Override
        public int tasks(StepBatch b) {
            return rows(kind, b) * pieces(out);
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int row = task / pieces(out);
            int column = task % pieces(out) * COLUMNS;
            long at = (long) column * Float.BYTES;
            long gate = in.row(row) + at;
            kernels.gated(activation, in.data(), gate, gate + (long) out.width() * Float.BYTES, out.data(), out.row(row) + at,
                    Math.min(COLUMNS, out.width() - column), ws);
        }
    }

    /** The same in machine code. */
    record MachineGated(Rows out, Rows in, Value.Rows kind, Op.Activation activation, RowFunctions functions) implements Step {
        @Override
        public int tasks(StepBatch b) {
            return rows(kind, b) * pieces(out);
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int row = task / pieces(out);
            int column = task % pieces(out) * COLUMNS;
            long at = (long) column * Float.BYTES;
            long gate = in.data().address() + in.row(row) + at;
            long up = gate + (long) out.width() * Float.BYTES;
            long to = out.data().address() + out.row(row) + at;
            int n = Math.min(COLUMNS, out.width() - column);
            switch (activation) {
                case SILU -> functions.silu(gate, up, to, n);
                case GELU_TANH -> functions.gelu(gate, up, to, n);
            }
        }
    }

    /** Copies the wanted rows. */
    record Select(Rows out, Rows in) implements Step {
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
