package io.jllm.cpu;

import io.jllm.cpu.kernels.Rows;
import io.jllm.model.Op;
import io.jllm.model.Program;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Blocks of keys and values in float32. Memory comes in slabs of a few blocks, allocated when one of them is first used: a
 * pool of many gigabytes costs nothing until there is something in it.
 *
 * <p>A block holds, for each layer, its keys and then its values, both as [head][position][dimension], so that what one head
 * of attention reads lies together.
 */
final class KvCache {
    private static final long SLAB_BYTES = 2L << 20;
    private static final int ALIGNMENT = 64;

    private final Arena arena;
    private final int blockSize;
    private final long[] layerAt;
    private final long blockBytes;
    private final int blocks;
    private final int slabBlocks;
    private final MemorySegment[] slabs;
    private long bytes;

    /** A pool of {@code blocks} blocks; the arena owns their memory. */
    KvCache(Arena arena, Program program, int blockSize, int blocks) {
        this.arena = arena;
        this.blockSize = blockSize;
        this.blocks = blocks;
        layerAt = new long[program.config().layers()];
        blockBytes = layout(program, blockSize, layerAt);
        slabBlocks = Math.clamp(SLAB_BYTES / blockBytes, 1, blocks);
        slabs = new MemorySegment[Math.ceilDiv(blocks, slabBlocks)];
    }

    /** Bytes of a block. */
    static long blockBytes(Program program, int blockSize) {
        return layout(program, blockSize, new long[program.config().layers()]);
    }

    private static long layout(Program program, int blockSize, long[] layerAt) {
        long at = 0;
        for (Op op : program.ops()) {
            if (op instanceof Op.RopeStoreKv r) {
                layerAt[r.layer()] = at;
                at = Math.addExact(at, 2L * r.shape().kvDim() * blockSize * Float.BYTES);
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
            slabs[slab] = arena.allocate(size, ALIGNMENT);
            bytes += size;
        }
    }

    /** The memory that a block lies in. It was touched before. */
    MemorySegment memory(int block) {
        return slabs[block / slabBlocks];
    }

    /** Where the keys of a head start in {@link #memory}: one row of {@code headDim} floats for each position of the block. */
    long keys(int block, int layer, int head, Op.AttentionShape shape) {
        return block % slabBlocks * blockBytes + layerAt[layer] + (long) head * shape.headDim() * blockSize * Float.BYTES;
    }

    /** Where its values start. */
    long values(int block, int layer, int head, Op.AttentionShape shape) {
        return keys(block, layer, head + shape.kvHeads(), shape);
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

    /** A row of one position in a block. */
    static long row(long head, int offset, Op.AttentionShape shape) {
        return head + (long) offset * shape.headDim() * Rows.FLOAT.byteSize();
    }
}
