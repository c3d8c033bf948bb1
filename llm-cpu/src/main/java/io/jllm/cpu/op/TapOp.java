package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Value;
import io.jllm.spi.ActivationListener;
import io.jllm.spi.StepBatch;
import java.util.List;

/** Tells a listener of the rows that the matrices of the next op are multiplied with. One iteration, so that it hears of one row at a time. */
final class TapOp {
    private TapOp() {
    }

    /** Of matrices that all rows meet. */
    record Whole(Rows in, Value.Rows kind, List<String> matrices, ActivationListener listener) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return Math.min(1, RowOps.rows(kind, b));
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            for (int r = 0; r < RowOps.rows(kind, b); r++) {
                listener.multiplied(matrices, 0, in.data(), in.row(r), in.width());
            }
        }
    }

    /**
     * Of experts.
     *
     * @param in a row for each pair, or one that all pairs of a row of the step share
     * @param shared how many share one
     */
    record Experts(Rows in, int shared, Grouping grouping, List<String> matrices, ActivationListener listener) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return Math.min(1, grouping.rows(b));
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            for (int i = 0; i < grouping.actives(); i++) {
                int expert = grouping.active(i);
                for (int place = grouping.start(expert); place < grouping.start(expert) + grouping.size(expert); place++) {
                    listener.multiplied(matrices, expert, in.data(), in.row(grouping.pair(place) / shared), in.width());
                }
            }
        }
    }
}
