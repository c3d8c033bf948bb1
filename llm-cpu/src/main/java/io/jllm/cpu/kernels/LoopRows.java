package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.KvLayout;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Op.Activation;
import java.lang.foreign.MemorySegment;

/** By {@link LoopKernels}. */
record LoopRows(LoopKernels kernels) implements RowKernels {
    @Override
    public Norm norm(float[] weight, float eps) {
        return (in, inAt, out, outAt, n, ws) -> kernels.rmsNorm(in, inAt, out, outAt, n, weight, eps, ws);
    }

    @Override
    public Gate gate(Activation kind) {
        return (in, gateAt, upAt, out, outAt, n, ws) -> kernels.gated(kind, in, gateAt, upAt, out, outAt, n, ws);
    }

    @Override
    public void sums(MemorySegment x, long at, int n, float[] highest, float[] sums, int i, Workspace ws) {
        float[] copy = ws.scores(n + KvLayout.SLACK / Float.BYTES);
        MemorySegment.copy(x, Rows.FLOAT, at, copy, 0, n);
        float max = kernels.largest(copy, 0, n, 0, ws);
        highest[i] = max;
        sums[i] = Float.isInfinite(max) || Float.isNaN(max) ? 0 : kernels.exponentials(copy, 0, n, max, ws);
    }
}
