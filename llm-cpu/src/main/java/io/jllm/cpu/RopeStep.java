package io.jllm.cpu;

import static io.jllm.cpu.kernels.Rows.FLOAT;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.Rows;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;

/** Norms and rotates the heads of q and k, and stores k and v. An iteration is a token. */
final class RopeStep implements Step {
    private static final float[] NO_NORM = {};

    private final Rows out;
    private final Rows qkv;
    private final Op.RopeStoreKv op;
    private final float[] qNorm;
    private final float[] kNorm;
    private final float eps;
    private final RopeTable table;
    private final KvCache cache;
    private final Kernels kernels;

    RopeStep(Op.RopeStoreKv op, Rows out, Rows qkv, Tensors tensors, RopeTable table, KvCache cache, Kernels kernels) {
        this.op = op;
        this.out = out;
        this.qkv = qkv;
        qNorm = op.norm().map(n -> tensors.vector(n.qWeight())).orElse(NO_NORM);
        kNorm = op.norm().map(n -> tensors.vector(n.kWeight())).orElse(NO_NORM);
        eps = op.norm().map(Op.QkNorm::eps).orElse(0f);
        this.table = table;
        this.cache = cache;
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
        long from = qkv.row(t);
        for (int h = 0; h < s.heads(); h++) {
            head(from, out.data(), out.row(t) + h * headBytes, qNorm, t, ws);
            from += headBytes;
        }
        for (int h = 0; h < s.kvHeads(); h++) {
            head(from, pages, KvCache.row(cache.keys(block, op.layer(), h, s), offset, s), kNorm, t, ws);
            from += headBytes;
        }
        for (int h = 0; h < s.kvHeads(); h++) {
            MemorySegment.copy(qkv.data(), from, pages, KvCache.row(cache.values(block, op.layer(), h, s), offset, s), headBytes);
            from += headBytes;
        }
    }

    private void head(long from, MemorySegment to, long at, float[] norm, int token, Workspace ws) {
        int dim = op.shape().headDim();
        if (norm.length > 0) {
            kernels.rmsNorm(qkv.data(), from, to, at, dim, norm, eps, ws);
        } else {
            MemorySegment.copy(qkv.data(), from, to, at, (long) dim * Float.BYTES);
        }
        rotate(to, at, token);
    }

    private void rotate(MemorySegment x, long at, int token) {
        Rope rope = op.rope();
        boolean neox = rope.layout() == Rope.Layout.NEOX;
        int pairs = rope.rotaryDim() / 2;
        int step = neox ? 1 : 2;
        long partner = (neox ? pairs : 1) * (long) Float.BYTES;
        float[] cos = table.cos();
        float[] sin = table.sin();
        int first = table.at(token);
        for (int i = 0; i < pairs; i++) {
            long a = at + (long) i * step * Float.BYTES;
            float xa = x.get(FLOAT, a);
            float xb = x.get(FLOAT, a + partner);
            float c = cos[first + i];
            float s = sin[first + i];
            x.set(FLOAT, a, xa * c - xb * s);
            x.set(FLOAT, a + partner, xa * s + xb * c);
        }
    }
}
