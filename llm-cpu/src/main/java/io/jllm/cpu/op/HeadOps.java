package io.jllm.cpu.op;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.kernels.Rotation;
import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Ops on heads of q, k and v that store nothing. An iteration is a token. */
final class HeadOps {
    private HeadOps() {
    }

    /**
     * Norms of heads that lie one after the other.
     *
     * @param norms one for each head, or a single one for all of them as one row; none at all if they stay as they are
     * @param width floats that each of them norms
     */
    record Norms(List<RowKernels.Norm> norms, int width) {
        /** Of so many floats. */
        private void apply(MemorySegment in, long inAt, MemorySegment out, long outAt, int floats, Workspace ws) {
            if (norms.isEmpty()) {
                MemorySegment.copy(in, inAt, out, outAt, (long) floats * Float.BYTES);
            }
            for (int h = 0; h < norms.size(); h++) {
                long at = (long) h * width * Float.BYTES;
                norms.get(h).apply(in, inAt + at, out, outAt + at, width, ws);
            }
        }
    }

    /** A norm whose results something is added to. */
    static RowKernels.Norm withBias(RowKernels.Norm norm, float[] bias) {
        return (in, inAt, out, outAt, n, ws) -> {
            norm.apply(in, inAt, out, outAt, n, ws);
            for (int i = 0; i < n; i++) {
                long at = outAt + (long) i * Float.BYTES;
                out.set(FLOAT, at, out.get(FLOAT, at) + bias[i]);
            }
        };
    }

    /** Norms q and k, and limits all. */
    record NormHeads(Rows out, Rows in, Op.AttentionShape shape, Norms q, Norms k, float clip) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return b.tokens;
        }

        @Override
        public void run(StepBatch b, int t, Workspace ws) {
            long from = in.row(t);
            long to = out.row(t);
            q.apply(in.data(), from, out.data(), to, shape.qDim(), ws);
            long keys = (long) shape.qDim() * Float.BYTES;
            k.apply(in.data(), from + keys, out.data(), to + keys, shape.kvDim(), ws);
            long values = keys + (long) shape.kvDim() * Float.BYTES;
            MemorySegment.copy(in.data(), from + values, out.data(), to + values, (long) shape.kvDim() * Float.BYTES);
            if (clip > 0) {
                for (int i = 0; i < out.width(); i++) {
                    long at = to + (long) i * Float.BYTES;
                    out.data().set(FLOAT, at, Math.clamp(out.data().get(FLOAT, at), -clip, clip));
                }
            }
        }
    }

    /** Rotates q and k. */
    record Rotate(Rows out, Rows in, Op.AttentionShape shape, Rotation.Heads rotation) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return b.tokens;
        }

        @Override
        public void run(StepBatch b, int t, Workspace ws) {
            rotation.apply(in.data(), in.row(t), out.data(), out.row(t), shape.heads() + shape.kvHeads(), t, ws);
            long values = (long) (shape.qDim() + shape.kvDim()) * Float.BYTES;
            MemorySegment.copy(in.data(), in.row(t) + values, out.data(), out.row(t) + values, (long) shape.kvDim() * Float.BYTES);
        }
    }

    /** Multiplies queries by what their position says. */
    record ScaleQueries(Rows out, Rows in, HeadOp.ScaleQueries op, RowKernels rows) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return b.tokens;
        }

        @Override
        public void run(StepBatch b, int t, Workspace ws) {
            rows.multiply(in.data(), in.row(t), op.factor(b.positions[t]), out.data(), out.row(t), in.width());
        }
    }
}
