package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.RowKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Value;
import java.util.Optional;

/** Brings the columns of a value into the order in which a matrix meets them, for those that have one of their own. */
final class Ordering {
    private final DeviceState state;
    private final Values values;
    private final RowKernels kernels;
    private final Mode mode;

    Ordering(DeviceState state, Values values, RowKernels kernels, Mode mode) {
        this.state = state;
        this.values = values;
        this.kernels = kernels;
        this.mode = mode;
    }

    /** Where a matrix meets the rows of a value. */
    Rows rows(WeightPlan.Matrix w, Value v) {
        return w.ordered() ? room(w) : values.rows(v);
    }

    private Rows room(WeightPlan.Matrix w) {
        return state.ordered().orElseThrow().of(w.cols());
    }

    /** What brings them there, right before the product; nothing if columns stand as in the value. Steps of many rows meet floats too. */
    Optional<RowsLaunch> launch(WeightPlan.Matrix w, Value v) {
        if (!w.ordered()) {
            return Optional.empty();
        }
        Rows to = room(w);
        return Optional.of(kernels.order(values.rows(v), state.weights() + w.orderAt(),
                new Rows(mode.anyBatch() ? to.floats() : 0, to.pitch(), to.bytes(), to.scales()), w.cols()));
    }

    /** The same as an op. */
    Optional<CompiledOp> op(WeightPlan.Matrix w, Value v) {
        return launch(w, v).map(l -> new RowsOp(l, v.rows()));
    }
}
