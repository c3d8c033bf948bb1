package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.kernels.TensorKernels.Matrix;
import io.jllm.cuda.kernels.TensorKernels.Operand;
import io.jllm.cuda.kernels.TensorKernels.Result;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Op;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Compiles products by many rows: rows of floats become rows of 16 bits, quantised matrices one matrix of 16 bits, tensor cores do the rest. */
final class TensorOps {
    private final DeviceState state;
    private final Values values;
    private final TensorRoom room;
    private final TensorKernels kernels;
    private final ProductKernels products;
    private final Ordering ordering;

    /** With the room for them. */
    TensorOps(DeviceState state, Values values, Arena arena, TensorRoom room, ProductKernels products, Ordering ordering) {
        this.state = state;
        this.values = values;
        this.room = room;
        this.products = products;
        this.ordering = ordering;
        kernels = new TensorKernels(state.kernels(), arena);
    }

    /** A product whose rows are tokens. */
    RowsLaunch linear(Op.Linear l) {
        var launches = new ArrayList<RowsLaunch>();
        Optional<DeviceFormat> narrowed = Optional.empty();
        int column = 0;
        for (List<Weight> run : state.plan().runs(l)) {
            WeightPlan.Matrix w = state.matrix(run);
            ordering.launch(w, l.in()).ifPresent(launches::add);
            Rows x = ordering.rows(w, l.in());
            Rows residual = l.residual().map(values::rows).orElse(Rows.NONE).from(column);
            Rows y = values.rows(l.out()).from(column);
            if (TensorRoom.takes(w, l.out().rows())) {
                add(launches, x, w, Result.plain(w.rows(), state.bias(run), residual, y), w.ordered() || !narrowed.equals(w.format().operand()));
                narrowed = w.format().operand().filter(_ -> !w.ordered());
            } else {
                launches.add(products.many(state.weights(w, w.rows()), x, state.bias(run), residual, y));
            }
            column += w.rows();
        }
        return new RowsLaunch.InTurn(List.copyOf(launches));
    }

    /** A product of gate and up with its activation. */
    RowsLaunch gated(Rows x, WeightPlan.Matrix w, Rows y, Op.Activation act) {
        return one(x, w, new Result(w.rows() / 2, 0, Rows.NONE, y, DeviceState.number(act)));
    }

    /** One matrix. */
    RowsLaunch one(Rows x, WeightPlan.Matrix w, Result r) {
        var launches = new ArrayList<RowsLaunch>();
        add(launches, x, w, r, true);
        return new RowsLaunch.InTurn(List.copyOf(launches));
    }

    private void add(List<RowsLaunch> launches, Rows x, WeightPlan.Matrix w, Result r, boolean narrows) {
        DeviceFormat type = w.format().operand().orElseThrow();
        Operand operand = room.operand(state.kernels(), type, w.cols());
        if (narrows) {
            launches.add(kernels.narrow(x, operand));
        }
        Matrix matrix = new Matrix(type, w.format().dense() ? state.address(w) : room.matrix(), w.rows(), w.cols());
        if (!w.format().dense()) {
            launches.add(kernels.expand(state.weights(w, w.rows()), matrix));
        }
        launches.add(kernels.multiply(operand, matrix, r));
    }
}
