package io.jllm.cpu.op;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.KvLayout;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Op;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;

/** Norms and rotates the heads of q and k, and stores k and v. An iteration is a token. */
final class RopeOp implements CompiledOp {
    private static final float[] NO_NORM = {};

    private final Rows out;
    private final Rows qkv;
    private final Op.RopeStoreKv op;
    private final float[] qNorm;
    private final float[] kNorm;
    private final float eps;
    private final RopeTable table;
    private final KvCache cache;
    private final KvLayout layout;
    private final Kernels kernels;

    RopeOp(Op.RopeStoreKv op, Rows out, Rows qkv, DeviceWeights tensors, RopeTable table, KvCache cache, Kernels kernels) {
        this.op = op;
        this.out = out;
        this.qkv = qkv;
        qNorm = op.norm().map(n -> tensors.vector(n.qWeight())).orElse(NO_NORM);
        kNorm = op.norm().map(n -> tensors.vector(n.kWeight())).orElse(NO_NORM);
        eps = op.norm().map(Op.QkNorm::eps).orElse(0f);
        this.table = table;
        this.cache = cache;
        layout = cache.layout(op.shape());
        this.kernels = kernels;
    }

    @Override
    public int tasks(StepBatch b) {
        return b.tokens;
    }

    @Override
    public void run(StepBatch b, int t, Workspace ws) {
        Op.AttentionShape s = op.shape();
        long headBytes = (long) s.headDim() * Float.BYTES;
        int block = b.kvSlots[t] / cache.blockSize();
        int offset = b.kvSlots[t] % cache.blockSize();
        MemorySegment pages = cache.memory(block);
        float[] head = ws.head(s.headDim());
        long from = qkv.row(t);
        for (int h = 0; h < s.heads(); h++) {
            rotated(from, qNorm, t, head, ws);
            MemorySegment.copy(head, 0, out.data(), FLOAT, out.row(t) + h * headBytes, s.headDim());
            from += headBytes;
        }
        for (int h = 0; h < s.kvHeads(); h++) {
            rotated(from, kNorm, t, head, ws);
            layout.storeKey(head, pages, cache.keys(block, op.layer(), h, layout), offset);
            from += headBytes;
        }
        for (int h = 0; h < s.kvHeads(); h++) {
            MemorySegment.copy(qkv.data(), FLOAT, from, head, 0, s.headDim());
            layout.storeValue(head, pages, cache.values(block, op.layer(), h, s, layout), offset);
            from += headBytes;
        }
    }

    private void rotated(long from, float[] norm, int token, float[] head, Workspace ws) {
        int dim = op.shape().headDim();
        if (norm.length > 0) {
            kernels.rmsNorm(qkv.data(), from, ws.row(), 0, dim, norm, eps, ws);
            MemorySegment.copy(ws.row(), FLOAT, 0, head, 0, dim);
        } else {
            MemorySegment.copy(qkv.data(), FLOAT, from, head, 0, dim);
        }
        kernels.rotate(op.rope().layout(), head, op.rope().rotaryDim(), table.cos(), table.sin(), table.at(token));
    }
}
