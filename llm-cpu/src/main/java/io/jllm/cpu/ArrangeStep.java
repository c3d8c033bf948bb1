package io.jllm.cpu;

import io.jllm.cpu.kernels.BlockRows;
import io.jllm.cpu.kernels.PackedKernels;
import io.jllm.cpu.kernels.Rows;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;

/** Activations as the product that comes next takes them, once for all threads. An iteration is a group of tokens. */
record ArrangeStep(Rows in, BlockRows out, Value.Rows kind, PackedKernels kernels) implements Step {
    @Override
    public int tasks(StepBatch b) {
        return Math.ceilDiv(RowSteps.rows(kind, b), BlockRows.GROUP);
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        kernels.arrange(in, task * BlockRows.GROUP, RowSteps.rows(kind, b), out, ws);
    }
}
