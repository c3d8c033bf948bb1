package io.jllm.cpu.op;

import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;

/** Activations as the product that comes next takes them, once for all threads. An iteration is a group of tokens. */
record ArrangeOp(Rows in, BlockRows out, Value.Rows kind, PackedProducts products) implements CompiledOp {
    @Override
    public int tasks(StepBatch b) {
        return Math.ceilDiv(RowOps.rows(kind, b), BlockRows.GROUP);
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        products.arrange(in, task * BlockRows.GROUP, RowOps.rows(kind, b), out, ws);
    }
}
