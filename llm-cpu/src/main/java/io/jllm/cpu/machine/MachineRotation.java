package io.jllm.cpu.machine;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.kernels.Angles;
import io.jllm.cpu.kernels.KvCache;
import io.jllm.cpu.kernels.RopeSite;
import io.jllm.cpu.kernels.Rotation;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.quant.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** In machine code, but for what keys and values of fewer than 32 bits are made of. */
final class MachineRotation implements Rotation {
    private static final long ALIGNMENT = 64;

    private final Rows out;
    private final Rows qkv;
    private final HeadOp.RopeStoreKv op;
    private final Optional<MemorySegment> qNorm;
    private final Optional<MemorySegment> kNorm;
    private final Angles angles;
    private final KvCache cache;
    private final KvLayout layout;
    private final RopeFunctions rope;
    private final RowFunctions functions;
    private final int dim;
    private final long headBytes;

    MachineRotation(RopeSite site, RopeFunctions rope, RowFunctions functions) {
        op = site.op();
        out = site.out();
        qkv = site.qkv();
        qNorm = site.norms().map(n -> RowFunctions.normWeight(Arena.ofAuto(), n.q(), n.eps()));
        kNorm = site.norms().map(n -> RowFunctions.normWeight(Arena.ofAuto(), n.k(), n.eps()));
        angles = site.angles();
        cache = site.cache();
        layout = site.layout();
        this.rope = rope;
        this.functions = functions;
        dim = op.shape().headDim();
        headBytes = (long) dim * Float.BYTES;
    }

    @Override
    public void run(int t, int slot, Workspace ws) {
        Op.AttentionShape s = op.shape();
        long from = qkv.data().address() + qkv.row(t);
        queries(from, t, ws);
        long keys = from + s.heads() * headBytes;
        long values = keys + s.kvHeads() * headBytes;
        int block = slot / cache.blockSize();
        int offset = slot % cache.blockSize();
        if (layout.type() == DType.F32) {
            floats(keys, values, t, block, offset, ws);
        } else {
            others(keys, t, block, offset, ws);
        }
    }

    private void queries(long from, int t, Workspace ws) {
        long to = out.data().address() + out.row(t);
        if (qNorm.isEmpty()) {
            rope.rotate(from, to, angles.cosAddress(t), angles.sinAddress(t), op.shape().heads());
            return;
        }
        for (int h = 0; h < op.shape().heads(); h++) {
            functions.norm(from + h * headBytes, ws.row().address(), qNorm.get(), dim);
            rope.rotate(ws.row().address(), to + h * headBytes, angles.cosAddress(t), angles.sinAddress(t), 1);
        }
    }

    private void floats(long keys, long values, int t, int block, int offset, Workspace ws) {
        Op.AttentionShape s = op.shape();
        long page = cache.memory(block).address();
        long first = cache.keys(block, op.layer(), 0, layout);
        long stride = cache.keys(block, op.layer(), 1, layout) - first;
        long keysTo = page + first + (long) offset * Float.BYTES;
        long valuesTo = page + cache.values(block, op.layer(), 0, s, layout) + offset * headBytes;
        long scratch = ws.row().address();
        if (kNorm.isEmpty()) {
            rope.store(keys, values, angles.cosAddress(t), angles.sinAddress(t), s.kvHeads(), keysTo, valuesTo, stride, scratch);
            return;
        }
        long normed = scratch + Math.ceilDiv(headBytes, ALIGNMENT) * ALIGNMENT;
        for (int h = 0; h < s.kvHeads(); h++) {
            functions.norm(keys + h * headBytes, normed, kNorm.get(), dim);
            rope.store(normed, values + h * headBytes, angles.cosAddress(t), angles.sinAddress(t), 1, keysTo + h * stride, valuesTo + h * stride,
                    stride, scratch);
        }
    }

    private void others(long keys, int t, int block, int offset, Workspace ws) {
        Op.AttentionShape s = op.shape();
        MemorySegment pages = cache.memory(block);
        MemorySegment scratch = ws.row();
        float[] head = ws.head(dim);
        long normed = scratch.address() + Math.ceilDiv(headBytes, ALIGNMENT) * ALIGNMENT;
        for (int h = 0; h < s.kvHeads(); h++) {
            long from = keys + h * headBytes;
            if (kNorm.isPresent()) {
                functions.norm(from, normed, kNorm.get(), dim);
                from = normed;
            }
            rope.rotate(from, scratch.address(), angles.cosAddress(t), angles.sinAddress(t), 1);
            MemorySegment.copy(scratch, FLOAT, 0, head, 0, dim);
            layout.storeKey(head, pages, cache.keys(block, op.layer(), h, layout), offset);
        }
        long value = qkv.row(t) + (s.heads() + s.kvHeads()) * headBytes;
        for (int h = 0; h < s.kvHeads(); h++) {
            MemorySegment.copy(qkv.data(), FLOAT, value + h * headBytes, head, 0, dim);
            layout.storeValue(head, pages, cache.values(block, op.layer(), h, s, layout), offset);
        }
    }
}
