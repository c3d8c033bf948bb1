package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.model.Op.Activation;
import java.lang.foreign.MemorySegment;

/** By {@link LoopKernels}. */
record LoopRows(LoopKernels kernels) implements RowKernels {
    @Override
    public Norm norm(float[] weight, float eps) {
        return (in, inAt, out, outAt, n, ws) -> kernels.rmsNorm(in, inAt, out, outAt, n, weight, eps, ws);
    }

    @Override
    public Norm layerNorm(float[] weight, float[] bias, float eps) {
        return (in, inAt, out, outAt, n, ws) -> kernels.layerNorm(in, inAt, out, outAt, n, weight, bias, eps, ws);
    }

    @Override
    public Each act(Activation kind) {
        return (in, inAt, out, outAt, n, ws) -> kernels.act(kind, in, inAt, out, outAt, n, ws);
    }

    @Override
    public Each scale(float factor, float softCap) {
        if (softCap > 0) {
            return (in, inAt, out, outAt, n, ws) -> {
                float[] x = ws.scores(n + KvLayout.SLACK / Float.BYTES);
                kernels.multiply(in, inAt, factor, out, outAt, n);
                MemorySegment.copy(out, Rows.FLOAT, outAt, x, 0, n);
                kernels.cap(x, 0, n, softCap, ws);
                MemorySegment.copy(x, 0, out, Rows.FLOAT, outAt, n);
            };
        }
        return (in, inAt, out, outAt, n, _) -> kernels.multiply(in, inAt, factor, out, outAt, n);
    }

    @Override
    public void multiply(MemorySegment in, long inAt, float factor, MemorySegment out, long outAt, int n) {
        kernels.multiply(in, inAt, factor, out, outAt, n);
    }

    @Override
    public void add(MemorySegment a, long aAt, MemorySegment b, long bAt, float factor, MemorySegment out, long outAt, int n) {
        kernels.add(a, aAt, b, bAt, factor, out, outAt, n);
    }

    @Override
    public Gate gate(Activation kind) {
        return (in, gateAt, upAt, out, outAt, n, ws) -> kernels.gated(kind, in, gateAt, upAt, out, outAt, n, ws);
    }

    @Override
    public void sums(MemorySegment x, long at, int n, float[] highest, float[] sums, int i, Workspace ws) {
        float[] copy = ws.scores(n + KvLayout.SLACK / Float.BYTES);
        MemorySegment.copy(x, Rows.FLOAT, at, copy, 0, n);
        float max = kernels.largest(copy, 0, n);
        highest[i] = max;
        sums[i] = Float.isInfinite(max) || Float.isNaN(max) ? 0 : kernels.exponentials(copy, 0, n, max, ws);
    }
}
