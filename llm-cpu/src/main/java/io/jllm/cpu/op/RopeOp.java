package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Rotation;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.spi.StepBatch;

/** Norms and rotates the heads of q and k, and stores k and v. An iteration is a token. */
record RopeOp(Rotation rotation) implements CompiledOp {
    @Override
    public int tasks(StepBatch b) {
        return b.tokens;
    }

    @Override
    public void run(StepBatch b, int t, Workspace ws) {
        rotation.run(t, b.kvSlots[t], ws);
    }
}
