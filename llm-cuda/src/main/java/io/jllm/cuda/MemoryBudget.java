package io.jllm.cuda;

import io.jllm.cuda.compile.CompiledOps;
import io.jllm.cuda.compile.Fusion;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.attention.AttentionCut;
import io.jllm.cuda.memory.Activations;
import io.jllm.cuda.memory.KvCache;
import io.jllm.cuda.memory.StepUpload;
import io.jllm.cuda.sample.RowSampler;
import io.jllm.model.BufferPlan;
import io.jllm.model.CachedLayer;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.spi.Backend.RunnerOptions;

/**
 * What a model takes of a device's memory, reckoned before anything is allocated.
 *
 * @param weights bytes of weights
 * @param scratch bytes of activations and buffers
 * @param blockBytes bytes of a KV block
 * @param blocks KV blocks
 * @param tableInts entries for block tables
 * @param pieceRoom pieces of contexts in decode attention
 * @param partialBytes bytes of what they leave
 */
record MemoryBudget(long weights, long scratch, long blockBytes, int blocks, int tableInts, int pieceRoom, long partialBytes) {
    /** Bytes for the driver's own use: graphs, kernels' local memory, the fragments of its allocations. */
    private static final long RESERVE = 192L << 20;
    /** Pieces of decode attention get at most this, but room for a piece a sequence. */
    private static final long MOST_PARTIAL_BYTES = 256L << 20;
    private static final int MOST_TABLE_INTS = 1 << 20;

    /**
     * Reckons.
     *
     * @param kernels that will run
     * @param weights bytes of weights on the device
     * @param free bytes of the device's memory that nobody has
     * @param total bytes of the device's memory
     * @param fraction the part of it that may be taken
     * @param tensorBytes room for products on tensor cores
     * @throws IllegalArgumentException if not one KV block fits into the limit that was asked for
     * @throws IllegalStateException if the device has no room; the message has the three figures and the setting to lower
     */
    static MemoryBudget of(Program program, RunnerOptions o, Kernels kernels, long weights, long free, long total, double fraction,
            long tensorBytes) {
        AttentionCut cut = AttentionCut.of(kernels);
        long block = KvCache.blockBytes(program, o.blockSize(), o.kvType());
        boolean limited = o.kvBytes() > 0;
        if (limited && o.kvBytes() < block) {
            throw new IllegalArgumentException("no room for the KV cache: a block of " + o.blockSize() + " positions takes " + block
                    + " bytes, kvCache allows "
                    + o.kvBytes() + "; raise kvCache");
        }
        int tableInts = Math.max(o.maxBlocks(), Math.min(MOST_TABLE_INTS, Math.multiplyExact(o.maxSequences(), Math.min(o.maxBlocks(),
                MOST_TABLE_INTS / o.maxSequences() + 1))));
        int pieces = pieces(program, o, cut);
        long partial = pieceBytes(program, cut) * pieces;
        long scratch = Activations.bytes(BufferPlan.of(program, Fusion.LINGER), o.maxTokensPerStep(), o.maxLogitRows()) + partial
                + StepUpload.bytes(o, cut, tableInts)
                + RowSampler.scratchBytes(kernels, program.vocab(), o.maxLogitRows()) + counterBytes(program, o)
                + CompiledOps.taskBytes(program) + tensorBytes;
        long room = Math.min(free - RESERVE, (long) (fraction * total) - (total - free)) - weights - scratch;
        long wanted = limited ? Math.min(o.kvBytes() / block, o.maxBlocks()) : 1;
        if (room < wanted * block) {
            throw new IllegalStateException("out of device memory: weights take " + weights + " bytes, " + (limited ? "the KV cache "
                    : "one KV block ")
                    + wanted * block + " bytes, scratch " + scratch + " bytes; of " + total + " bytes " + free
                    + " are free, of which gpuMemoryFraction " + fraction
                    + " leaves " + Math.max(0, room + weights + scratch) + "; " + advice(limited, room));
        }
        return new MemoryBudget(weights, scratch, block, (int) (limited ? wanted : Math.min(room / block, o.maxBlocks())), tableInts, pieces,
                partial);
    }

    private static String advice(boolean limited, long room) {
        return limited && room > 0 ? "lower kvCache to " + room + " or less"
                : "lower maxTokensPerStep or maxSequences, raise gpuMemoryFraction, end what else "
                + "uses the device, or take a smaller model";
    }

    private static int pieces(Program program, RunnerOptions o, AttentionCut cut) {
        long all = Math.ceilDiv((long) o.maxBlocks() * o.blockSize(), cut.piece()) + o.maxSequences();
        long most = Math.max(o.maxSequences(), MOST_PARTIAL_BYTES / Math.max(1, pieceBytes(program, cut)));
        return (int) Math.min(all, most);
    }

    /** What the heads of a piece leave: a maximum, a sum and a weighted value each. */
    private static long pieceBytes(Program program, AttentionCut cut) {
        return program.ops().stream().mapToLong(op -> op instanceof Op.PagedAttention a && cut.attends(a)
                ? (long) a.shape().heads() * (a.shape().headDim() + 2) * Float.BYTES : 0).max().orElse(0);
    }

    /** Counters of attention: one for each sequence and head of keys and values of the layer that has the most. */
    static long counterBytes(Program program, RunnerOptions o) {
        return (long) Integer.BYTES * o.maxSequences() * program.cachedLayers().stream().mapToInt(CachedLayer::kvHeads).max().orElse(1);
    }
}
