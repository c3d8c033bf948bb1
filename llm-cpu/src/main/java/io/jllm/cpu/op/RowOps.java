package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Ops that treat each row by itself. */
final class RowOps {
    /** Columns of an activation that make an iteration: some microseconds of work. */
    private static final int COLUMNS = 2048;

    private RowOps() {
    }

    /** How many rows a step has of that kind. */
    static int rows(Value.Rows rows, StepBatch b) {
        return rows == Value.Rows.TOKENS ? b.tokens : b.logitRows;
    }

    /** Iterations of a row, where it is shared out. */
    private static int pieces(Rows out) {
        return Math.ceilDiv(out.width(), COLUMNS);
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

    /** Adds rows of the table by position. */
    record AddPositions(Rows out, Rows in, Matrix table, int offset) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return b.tokens;
        }

        @Override
        public void run(StepBatch b, int t, Workspace ws) {
            int position = b.positions[t] + offset;
            if (position >= table.rows()) {
                throw new IllegalArgumentException("position " + b.positions[t] + " has no row in the table of " + (table.rows() - offset)
                        + " positions: set maxContext to at most that");
            }
            float[] row = ws.head(table.cols());
            table.decode(position, row);
            for (int i = 0; i < table.cols(); i++) {
                long at = (long) i * Float.BYTES;
                out.data().set(Rows.FLOAT, out.row(t) + at, in.data().get(Rows.FLOAT, in.row(t) + at) + row[i]);
            }
        }
    }

    /** Computes something of each number. */
    record Each(Rows out, Rows in, Value.Rows kind, RowKernels.Each each) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return rows(kind, b) * pieces(out);
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int row = task / pieces(out);
            int column = task % pieces(out) * COLUMNS;
            long at = (long) column * Float.BYTES;
            each.apply(in.data(), in.row(row) + at, out.data(), out.row(row) + at, Math.min(COLUMNS, out.width() - column), ws);
        }
    }

    /** Adds rows, the second ones by a factor, and by what a gate makes of a number. */
    record Add(Rows out, Rows a, Rows b, float scale, Optional<Rows> gate, Value.Rows kind, RowKernels kernels) implements CompiledOp {
        @Override
        public int tasks(StepBatch batch) {
            return rows(kind, batch);
        }

        @Override
        public void run(StepBatch batch, int r, Workspace ws) {
            float factor = scale;
            if (gate.isPresent()) {
                factor = (float) (scale / (1 + Math.exp(-gate.get().data().get(Rows.FLOAT, gate.get().row(r)))));
            }
            kernels.add(a.data(), a.row(r), b.data(), b.row(r), factor, out.data(), out.row(r), out.width());
        }
    }

    /** Gated activation. */
    record Gated(Rows out, Rows in, Value.Rows kind, RowKernels.Gate gate) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return rows(kind, b) * pieces(out);
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int row = task / pieces(out);
            int column = task % pieces(out) * COLUMNS;
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
