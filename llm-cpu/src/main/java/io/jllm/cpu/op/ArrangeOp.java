package io.jllm.cpu.op;

import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;

/**
 * Activations as the product that comes next takes them, once for all threads. An iteration is a group of tokens.
 *
 * @param order which input each column of the weights meets; empty if they stand in order
 */
record ArrangeOp(Rows in, BlockRows out, Value.Rows kind, PackedProducts products, int[] order) implements CompiledOp {
    @Override
    public int tasks(StepBatch b) {
        return Math.ceilDiv(RowOps.rows(kind, b), BlockRows.GROUP);
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        int first = task * BlockRows.GROUP;
        int rows = RowOps.rows(kind, b);
        if (order.length == 0) {
            products.arrange(in, first, rows, out, ws);
            return;
        }
        int count = BlockRows.size(first, rows);
        Rows row = ws.gathered(order.length);
        for (int t = 0; t < count; t++) {
            gather(in.row(first + t), row);
            products.arrange(row, 0, out, first, t, count, ws);
        }
    }

    private void gather(long from, Rows to) {
        for (int c = 0; c < order.length; c++) {
            to.data().set(Rows.FLOAT, (long) c * Float.BYTES, in.data().get(Rows.FLOAT, from + (long) order[c] * Float.BYTES));
        }
    }
}
