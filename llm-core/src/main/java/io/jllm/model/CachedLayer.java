package io.jllm.model;

/**
 * A layer of the KV cache: for each position its keys, and as many values. Layers of one model may differ, and some of its layers
 * may keep nothing.
 *
 * @param layer its number, as ops name it; 0 or more, not always without gaps
 * @param kvHeads key and value heads
 * @param headDim floats a head
 */
public record CachedLayer(int layer, int kvHeads, int headDim) {
    /** Floats of keys and values that one position takes. */
    public long floatsPerToken() {
        return 2L * kvHeads * headDim;
    }
}
