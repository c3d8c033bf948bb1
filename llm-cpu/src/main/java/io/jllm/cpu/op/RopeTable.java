package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Angles;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.spi.StepBatch;

/** Computes cosines and sines of a step's positions, once for all layers that rotate alike. An iteration is a token. */
record RopeTable(Angles angles) implements CompiledOp {
    @Override
    public int tasks(StepBatch b) {
        return b.tokens;
    }

    @Override
    public void run(StepBatch b, int t, Workspace ws) {
        angles.set(t, b.positions[t]);
    }
}
