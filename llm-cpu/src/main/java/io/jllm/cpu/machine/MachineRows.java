package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Op.Activation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Rows of floats in machine code.
 *
 * @param next for what there is no code for
 */
record MachineRows(RowFunctions functions, RowKernels next) implements RowKernels {
    private static final int INFINITY = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);

    @Override
    public Norm norm(float[] weight, float eps) {
        MemorySegment w = RowFunctions.normWeight(Arena.ofAuto(), weight, eps);
        return (in, inAt, out, outAt, n, _) -> functions.norm(in.address() + inAt, out.address() + outAt, w, n);
    }

    @Override
    public Gate gate(Activation kind) {
        return switch (kind) {
            case SILU -> (in, gate, up, out, to, n, _) -> functions.silu(in.address() + gate, in.address() + up, out.address() + to, n);
            case GELU_TANH -> (in, gate, up, out, to, n, _) -> functions.gelu(in.address() + gate, in.address() + up, out.address() + to, n);
            case GELU, RELU, RELU_SQUARED, SWIGLU_OAI -> next.gate(kind);
        };
    }

    @Override
    public Norm layerNorm(float[] weight, float[] bias, float eps) {
        return next.layerNorm(weight, bias, eps);
    }

    @Override
    public Each act(Activation kind) {
        return next.act(kind);
    }

    @Override
    public Each scale(float factor, float softCap) {
        return next.scale(factor, softCap);
    }

    @Override
    public void multiply(MemorySegment in, long inAt, float factor, MemorySegment out, long outAt, int n) {
        next.multiply(in, inAt, factor, out, outAt, n);
    }

    @Override
    public void add(MemorySegment a, long aAt, MemorySegment b, long bAt, float factor, MemorySegment out, long outAt, int n) {
        next.add(a, aAt, b, bAt, factor, out, outAt, n);
    }

    @Override
    public void sums(MemorySegment x, long at, int n, float[] highest, float[] sums, int i, Workspace ws) {
        MemorySegment results = ws.row();
        functions.sums(x.address() + at, results.address(), n);
        float max = results.get(Rows.FLOAT, 0);
        boolean number = results.get(ValueLayout.JAVA_INT, RowFunctions.MAGNITUDE_AT) <= INFINITY;
        highest[i] = number ? max : Float.NaN;
        sums[i] = number && Float.isFinite(max) ? results.get(Rows.FLOAT, RowFunctions.SUM_AT) : 0;
    }
}
