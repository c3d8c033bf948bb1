package io.jllm.cpu.kernels;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import java.lang.foreign.MemorySegment;

/** By {@link LoopKernels}, a head at a time. */
final class LoopRotation implements Rotation {
    private static final float[] NO_NORM = {};

    private final HeadOp.RopeStoreKv op;
    private final Rows out;
    private final Rows qkv;
    private final float[] qNorm;
    private final float[] kNorm;
    private final float eps;
    private final Angles angles;
    private final KvCache cache;
    private final KvLayout layout;
    private final LoopKernels kernels;

    LoopRotation(RopeSite site, LoopKernels kernels) {
        op = site.op();
        out = site.out();
        qkv = site.qkv();
        qNorm = site.norms().map(RopeSite.Norms::q).orElse(NO_NORM);
        kNorm = site.norms().map(RopeSite.Norms::k).orElse(NO_NORM);
        eps = site.norms().map(RopeSite.Norms::eps).orElse(0f);
        angles = site.angles();
        cache = site.cache();
        layout = site.layout();
        this.kernels = kernels;
    }

    @Override
    public void run(int t, int slot, Workspace ws) {
        Op.AttentionShape s = op.shape();
        long headBytes = (long) s.headDim() * Float.BYTES;
        int block = slot / cache.blockSize();
        int offset = slot % cache.blockSize();
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
        kernels.rotate(op.rope().layout(), head, op.rope().rotaryDim(), angles.cos(), angles.sin(), angles.at(token));
    }
}
