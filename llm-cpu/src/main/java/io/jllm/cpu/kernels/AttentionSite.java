package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.model.Op;

/**
 * What attention reads and writes.
 *
 * @param op what is to be computed
 * @param out receives the results
 * @param q queries
 * @param cache keys and values
 * @param sequences the step's tokens in tiles
 * @param tiles how the work is shared out
 * @param sinks a score for each query head that has no value; none at all if there are none
 * @param sums memory for sums of chunks that different threads compute, one for all layers
 */
public record AttentionSite(Op.PagedAttention op, Rows out, Rows q, KvCache cache, SequenceIndex sequences, AttentionTiles tiles,
        float[] sinks, ChunkSums sums) {
    /** How keys and values lie. */
    public KvLayout layout() {
        return cache.layout(op.shape());
    }
}
