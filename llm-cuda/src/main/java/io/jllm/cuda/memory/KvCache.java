package io.jllm.cuda.memory;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.GrowingMemory;
import io.jllm.model.CachedLayer;
import io.jllm.model.Program;
import io.jllm.quant.DType;

/**
 * Blocks of keys and values. A block holds, for each layer, its keys and then its values, both as [head][position][dimension], and behind them the
 * scales of Q8_0 in the same order, one for each 32 dimensions of a head; it gets memory when it is first used, a slab of blocks at a time.
 */
public final class KvCache implements AutoCloseable {
    private static final long LAYER_ALIGNMENT = 16;
    private static final long BLOCK_ALIGNMENT = 256;

    private final GrowingMemory memory;
    private final long[] layerAt;
    private final long blockBytes;
    private final int blocks;

    /** Pages for a program, none of which has memory yet. */
    public KvCache(Context context, Program program, int blockSize, DType type, int blocks) {
        layerAt = new long[program.cachedLayerRoom()];
        blockBytes = layout(program, blockSize, type, layerAt);
        this.blocks = blocks;
        memory = new GrowingMemory(context, blocks * blockBytes, "keys and values");
    }

    /** Bytes of a block. */
    public static long blockBytes(Program program, int blockSize, DType type) {
        return layout(program, blockSize, type, new long[program.cachedLayerRoom()]);
    }

    private static long layout(Program program, int blockSize, DType type, long[] layerAt) {
        long at = 0;
        for (CachedLayer c : program.cachedLayers()) {
            layerAt[c.layer()] = at;
            at = Math.addExact(at, aligned(2L * c.kvHeads() * headBytes(type, c.headDim()) * blockSize, LAYER_ALIGNMENT));
        }
        return aligned(Math.max(at, 1), BLOCK_ALIGNMENT);
    }

    /** Bytes of a key or a value: the last of those that share a scale may be fewer. */
    private static int headBytes(DType type, int dim) {
        return type.isQuantized() ? dim + Math.ceilDiv(dim, type.blockElements()) * Short.BYTES : dim * type.blockBytes();
    }

    private static long aligned(long bytes, long to) {
        return Math.ceilDiv(bytes, to) * to;
    }

    /** Makes sure that a block has memory. */
    public void touch(int block) {
        if (block < 0 || block >= blocks) {
            throw new IndexOutOfBoundsException("KV block " + block + " of " + blocks);
        }
        memory.touch(block * blockBytes, blockBytes);
    }

    public long address() {
        return memory.address();
    }

    public long layerAt(int layer) {
        return layerAt[layer];
    }

    public long blockBytes() {
        return blockBytes;
    }

    public int blocks() {
        return blocks;
    }

    /** Bytes that it has. */
    public long bytes() {
        return memory.bytes();
    }

    /** Bytes if all blocks are used. */
    public long limit() {
        return Math.max(blocks * blockBytes, memory.bytes());
    }

    @Override
    public void close() {
        memory.close();
    }
}
