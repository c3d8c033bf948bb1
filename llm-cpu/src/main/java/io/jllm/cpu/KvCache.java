package io.jllm.cpu;

import io.jllm.cpu.kernels.KvLayout;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Blocks of keys and values. Memory comes in slabs of a few blocks, allocated when one of them is first used: a
 * pool of many gigabytes costs nothing until there is something in it.
 *
 * <p>A block holds, for each layer, its keys and then its values, both head by head as {@link KvLayout} says, so that what one head of
 * attention reads lies together.
 */
final class KvCache {
    private static final long SLAB_BYTES = 2L << 20;
    private static final int ALIGNMENT = 64;

    private final Arena arena;
    private final DType type;
    private final int blockSize;
    private final long[] layerAt;
    private final long blockBytes;
    private final int blocks;
    private final int slabBlocks;
    private final MemorySegment[] slabs;
    private long bytes;

    /** A pool of {@code blocks} blocks; the arena owns their memory. */
    KvCache(Arena arena, Program program, DType type, int blockSize, int blocks) {
        this.arena = arena;
        this.type = type;
        this.blockSize = blockSize;
        this.blocks = blocks;
        layerAt = new long[program.config().layers()];
        blockBytes = layout(program, type, blockSize, layerAt);
        slabBlocks = Math.clamp(SLAB_BYTES / blockBytes, 1, blocks);
        slabs = new MemorySegment[Math.ceilDiv(blocks, slabBlocks)];
    }

    /** Bytes of a block. */
    static long blockBytes(Program program, DType type, int blockSize) {
        return layout(program, type, blockSize, new long[program.config().layers()]);
    }

    private static long layout(Program program, DType type, int blockSize, long[] layerAt) {
        long at = 0;
        for (Op op : program.ops()) {
            if (op instanceof Op.RopeStoreKv r) {
                layerAt[r.layer()] = at;
                at = Math.addExact(at, 2L * r.shape().kvHeads() * new KvLayout(type, r.shape().headDim(), blockSize).bytes());
            }
        }
        return Math.ceilDiv(Math.max(at, 1), ALIGNMENT) * ALIGNMENT;
    }

    /** Makes sure that there is memory for a block. */
    void touch(int block) {
        if (block < 0 || block >= blocks) {
            throw new IndexOutOfBoundsException("KV block " + block + " of " + blocks);
        }
        int slab = block / slabBlocks;
        if (slabs[slab] == null) {
            long size = Math.min(slabBlocks, blocks - slab * slabBlocks) * blockBytes;
            slabs[slab] = arena.allocate(size + KvLayout.SLACK, ALIGNMENT);
            bytes += size;
        }
    }

    /** The memory that a block lies in. It was touched before. */
    MemorySegment memory(int block) {
        return slabs[block / slabBlocks];
    }

    /** How keys and values of a head lie in a block. */
    KvLayout layout(Op.AttentionShape shape) {
        return new KvLayout(type, shape.headDim(), blockSize);
    }

    /** Where the keys of a head start in {@link #memory}. */
    long keys(int block, int layer, int head, KvLayout layout) {
        return block % slabBlocks * blockBytes + layerAt[layer] + head * layout.bytes();
    }

    /** Where its values start. */
    long values(int block, int layer, int head, Op.AttentionShape shape, KvLayout layout) {
        return keys(block, layer, shape.kvHeads() + head, layout);
    }

    /** Copies a block, of which something was written before. */
    void copy(int from, int to) {
        touch(from);
        touch(to);
        MemorySegment.copy(memory(from), from % slabBlocks * blockBytes, memory(to), to % slabBlocks * blockBytes, blockBytes);
    }

    int blocks() {
        return blocks;
    }

    int blockSize() {
        return blockSize;
    }

    /** Bytes allocated. */
    long bytes() {
        return bytes;
    }

    /** Bytes if all blocks are. */
    long limit() {
        return blocks * blockBytes;
    }
}
