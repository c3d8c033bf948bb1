package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.RowKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Op;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.util.Optional;

/** Compiles ops on rows that not every family needs. */
final class RowOps {
    private final DeviceState state;
    private final Values values;
    private final RowKernels kernels;
    private final Optional<TensorOps> tensors;

    RowOps(DeviceState state, Values values, Arena arena, Optional<TensorOps> tensors) {
        this.state = state;
        this.values = values;
        this.tensors = tensors;
        kernels = new RowKernels(state.kernels(), arena);
    }

    CompiledOp positions(Op.AddPositions p) {
        WeightPlan.Matrix table = state.matrix(p.table());
        return new CompiledOp.OfRows(kernels.positions(table.format(), state.address(table), table.rows(), table.cols(),
                state.at(Field.POSITIONS), p.offset(), values.rows(p.in()), values.rows(p.out())), p.out().rows());
    }

    /** As rows of 16 bits, or as floats, bytes or both, as its readers want it. */
    CompiledOp layerNorm(Op.LayerNorm n) {
        Value y = n.out();
        return new CompiledOp.OfRows(tensors.flatMap(t -> t.norm(n)).orElseGet(() -> kernels.layerNorm(values.rows(n.in()), state.vector(n.weight()),
                state.vector(n.bias()), n.eps(), values.outputs(y), y.width())), y.rows());
    }

    /** As floats, bytes or both. */
    CompiledOp act(Op.Act a) {
        Value y = a.out();
        return new CompiledOp.OfRows(kernels.act(values.rows(a.in()), values.outputs(y), y.width(), DeviceState.number(a.kind())), y.rows());
    }

    CompiledOp add(Op.Add a) {
        Value y = a.out();
        return new CompiledOp.OfRows(kernels.add(values.rows(a.a()), values.rows(a.b()), a.scale(), a.gate().map(values::rows).orElse(Rows.NONE),
                values.rows(y), y.width()), y.rows());
    }

    CompiledOp scale(Op.Scale s) {
        Value y = s.out();
        return new CompiledOp.OfRows(kernels.scale(values.rows(s.in()), s.factor(), s.softCap(), values.rows(y), y.width()), y.rows());
    }
}
