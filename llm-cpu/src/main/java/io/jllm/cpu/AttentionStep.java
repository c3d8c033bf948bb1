package io.jllm.cpu;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.Rows;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.model.Op;
import io.jllm.spi.StepBatch;
import java.util.Arrays;

/**
 * Attention over paged keys and values. An iteration is a token and a head of keys and values, with all query heads that read
 * it. In two passes: all scores, then the weighted sum, both in order of position; so pages and chunks change nothing.
 */
final class AttentionStep implements Step {
    private final Op.PagedAttention op;
    private final Op.AttentionShape shape;
    private final int group;
    private final Rows out;
    private final Rows q;
    private final KvCache cache;
    private final SequenceIndex sequences;
    private final Kernels kernels;

    AttentionStep(Op.PagedAttention op, Rows out, Rows q, KvCache cache, SequenceIndex sequences, Kernels kernels) {
        this.op = op;
        this.out = out;
        this.q = q;
        this.cache = cache;
        this.sequences = sequences;
        this.kernels = kernels;
        shape = op.shape();
        group = shape.heads() / shape.kvHeads();
    }

    @Override
    public int tasks(StepBatch b) {
        return b.tokens * shape.kvHeads();
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        int t = task / shape.kvHeads();
        int head = task % shape.kvHeads();
        int last = b.positions[t];
        int first = op.window() > 0 ? Math.max(0, last - op.window() + 1) : 0;
        int n = last - first + 1;
        int table = sequences.of(t) * b.maxBlocks;
        long rowBytes = (long) shape.headDim() * Float.BYTES;
        long qAt = q.row(t) + head * group * rowBytes;
        float[] scores = ws.scores(Math.multiplyExact(n, group));
        int size = cache.blockSize();
        for (int p = first; p <= last; p += size - p % size) {
            int block = b.blockTable[table + p / size];
            int rows = Math.min(size - p % size, last - p + 1);
            long keys = KvCache.row(cache.keys(block, op.layer(), head, shape), p % size, shape);
            kernels.products(cache.memory(block), keys, rowBytes, rows, q.data(), qAt, rowBytes, group, shape.headDim(), scores,
                    p - first, n, ws);
        }
        for (int h = 0; h < group; h++) {
            float sum = kernels.softmax(scores, h * n, n, op.scale(), op.softCap(), ws);
            float[] acc = ws.head(shape.headDim());
            Arrays.fill(acc, 0, shape.headDim(), 0);
            for (int p = first; p <= last; p += size - p % size) {
                int block = b.blockTable[table + p / size];
                int rows = Math.min(size - p % size, last - p + 1);
                long values = KvCache.row(cache.values(block, op.layer(), head, shape), p % size, shape);
                kernels.addRows(scores, h * n + p - first, cache.memory(block), values, rows, shape.headDim(), acc);
            }
            long at = out.row(t) + (head * group + h) * rowBytes;
            for (int i = 0; i < shape.headDim(); i++) {
                out.data().set(Rows.FLOAT, at + (long) i * Float.BYTES, acc[i] / sum);
            }
        }
    }
}
