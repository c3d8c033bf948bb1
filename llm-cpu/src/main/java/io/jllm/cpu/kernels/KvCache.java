package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.cpu.os.LargeMemory;
import io.jllm.model.CachedLayer;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Blocks of keys and values. Memory comes in slabs of a few blocks, allocated when one of them is first used: a
 * pool of many gigabytes costs nothing until there is something in it.
 *
 * <p>A slab holds, layer by layer, keys and then values, both head by head, and for each head one block after the other, as
 * {@link KvLayout} says. So what one head of attention reads lies in long pieces, and the processor can tell what it will read next.
 */
public final class KvCache {
    private static final long SLAB_BYTES = 16L << 20;

    private final Arena arena;
    private final LargeMemory memory;
    private final DType type;
    private final int blockSize;
    private final long[] layerAt;
    private final List<CachedLayer> layers;
    private final long blockBytes;
    private final int blocks;
    private final int slabBlocks;
    private final MemorySegment[] slabs;
    private long bytes;

    /** A pool of {@code blocks} blocks; the arena owns their memory, which is of that kind. */
    public KvCache(Arena arena, LargeMemory memory, Program program, DType type, int blockSize, int blocks) {
        this.arena = arena;
        this.memory = memory;
        this.type = type;
        this.blockSize = blockSize;
        this.blocks = blocks;
        layerAt = new long[program.cachedLayerRoom()];
        layers = program.cachedLayers();
        blockBytes = layout(program, type, blockSize, layerAt);
        slabBlocks = Math.clamp(SLAB_BYTES / blockBytes, 1, blocks);
        slabs = new MemorySegment[Math.ceilDiv(blocks, slabBlocks)];
    }

    /** Bytes of a block. */
    public static long blockBytes(Program program, DType type, int blockSize) {
        return layout(program, type, blockSize, new long[program.cachedLayerRoom()]);
    }

    private static long layout(Program program, DType type, int blockSize, long[] layerAt) {
        long at = 0;
        for (CachedLayer c : program.cachedLayers()) {
            layerAt[c.layer()] = at;
            at = Math.addExact(at, 2L * c.kvHeads() * new KvLayout(type, c.headDim(), blockSize).bytes());
        }
        return Math.max(at, 1);
    }

    /** Makes sure that there is memory for a block. */
    public void touch(int block) {
        if (block < 0 || block >= blocks) {
            throw new IndexOutOfBoundsException("KV block " + block + " of " + blocks);
        }
        int slab = block / slabBlocks;
        if (slabs[slab] == null) {
            long size = size(slab) * blockBytes;
            slabs[slab] = memory.allocate(arena, size + KvLayout.SLACK);
            bytes += size;
        }
    }

    /** Blocks of a slab: the last one may have fewer. */
    private int size(int slab) {
        return Math.min(slabBlocks, blocks - slab * slabBlocks);
    }

    /** The memory that a block lies in. It was touched before. */
    public MemorySegment memory(int block) {
        return slabs[block / slabBlocks];
    }

    /** How keys and values of a head lie in a block. */
    public KvLayout layout(Op.AttentionShape shape) {
        return new KvLayout(type, shape.headDim(), blockSize);
    }

    /** Where the keys of a head start in {@link #memory}. */
    public long keys(int block, int layer, int head, KvLayout layout) {
        int slab = block / slabBlocks;
        return size(slab) * layerAt[layer] + ((long) head * size(slab) + block % slabBlocks) * layout.bytes();
    }

    /** Where its values start. */
    public long values(int block, int layer, int head, Op.AttentionShape shape, KvLayout layout) {
        return keys(block, layer, shape.kvHeads() + head, layout);
    }

    /** Copies a block, of which something was written before. */
    public void copy(int from, int to) {
        touch(from);
        touch(to);
        for (CachedLayer c : layers) {
            var layout = new KvLayout(type, c.headDim(), blockSize);
            for (int head = 0; head < 2 * c.kvHeads(); head++) {
                MemorySegment.copy(memory(from), keys(from, c.layer(), head, layout), memory(to), keys(to, c.layer(), head, layout),
                        layout.bytes());
            }
        }
    }

    public int blocks() {
        return blocks;
    }

    public int blockSize() {
        return blockSize;
    }

    /** Bytes allocated. */
    public long bytes() {
        return bytes;
    }

    /** Bytes if all blocks are. */
    public long limit() {
        return blocks * blockBytes;
    }
}
