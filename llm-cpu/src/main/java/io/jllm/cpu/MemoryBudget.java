package io.jllm.cpu;

import io.jllm.ModelLoadException;
import io.jllm.cpu.kernels.KvCache;
import io.jllm.cpu.op.Activations;
import io.jllm.cpu.op.TokenSpace;
import io.jllm.model.BufferPlan;
import io.jllm.model.Program;
import io.jllm.spi.Backend.RunnerOptions;

/** How many KV blocks a runner gets. */
final class MemoryBudget {
    /** The part of free memory that the cache may grow into: the rest is for the heap and for other programs. */
    private static final double SHARE = 0.7;

    private MemoryBudget() {
    }

    /**
     * As many blocks as could ever be used, or as the limit allows; without a limit, as fit into a share of the memory that
     * weights and scratch leave free.
     *
     * @param weights bytes of weights; mapped, they count as free memory until they are read
     * @param arranged what products want of scratch memory
     * @param available bytes that the process may still take
     * @throws IllegalArgumentException if not one block fits into the limit
     * @throws ModelLoadException if not one fits into the memory that there is
     */
    static int blocks(Program program, RunnerOptions options, long weights, TokenSpace arranged, long available) {
        long block = KvCache.blockBytes(program, options.kvType(), options.blockSize());
        long scratch = Activations.bytes(BufferPlan.of(program), options.maxTokensPerStep(), options.maxLogitRows(), arranged);
        boolean limited = options.kvBytes() > 0;
        long room = limited ? options.kvBytes() : (long) (SHARE * (available - weights - scratch));
        int blocks = Math.clamp(room / block, 0, options.maxBlocks());
        if (blocks == 0) {
            String left = limited ? "kvCache allows " + room
                    : "about " + Math.max(0, room) + " are free of the " + available + " that this process may still take";
            String message = "no room for the KV cache: a block of " + options.blockSize() + " positions takes "
                    + block + " bytes, " + left + " (weights " + weights + " bytes, scratch memory at most " + scratch + "); "
                    + (limited ? "raise kvCache" : "free memory, lower maxTokensPerStep or maxContext, or set kvCache");
            throw limited ? new IllegalArgumentException(message) : new ModelLoadException(message);
        }
        return blocks;
    }
}
