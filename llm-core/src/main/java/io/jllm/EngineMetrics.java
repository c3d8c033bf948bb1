package io.jllm;

/**
 * Counts of an engine since it was opened, and what it has in hand.
 *
 * @param running sequences in the batch
 * @param waiting sequences that wait for room
 * @param finished requests that have ended, however
 * @param steps forward passes
 * @param computedTokens tokens put through the model, recomputed ones too
 * @param generatedTokens tokens drawn
 * @param preemptions sequences put back to make room
 * @param kvBlocks KV blocks in all
 * @param freeKvBlocks KV blocks that nothing uses
 */
public record EngineMetrics(int running, int waiting, long finished, long steps, long computedTokens, long generatedTokens,
                            long preemptions, int kvBlocks, int freeKvBlocks) {
}
