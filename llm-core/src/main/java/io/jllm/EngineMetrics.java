package io.jllm;

import java.time.Duration;
import java.util.Map;

/**
 * Counts of an engine since it was opened, and what it has in hand: all of one moment, the end of a step or of a request. Rates
 * are of the last 10 seconds, or since it was opened if that is less; they fall to zero while nothing is done.
 *
 * @param running sequences in the batch
 * @param paused how many of them rest because their reader is behind
 * @param waiting sequences that wait for room
 * @param finishedBy requests that have ended, by reason: {@link FinishReason#ERROR} if they failed, CANCELLED if any of their
 *     outputs was cut short, else the reason of the first output. Every reason has an entry
 * @param refused requests that were turned away before the engine took them in, for good reasons or for lack of room; not among the
 *     finished
 * @param steps forward passes that succeeded
 * @param computedTokens tokens put through the model, recomputed ones too
 * @param prefillTokens those of them that stood in prompts or were computed again after a preemption; the others are outputs
 * @param generatedTokens tokens drawn, those of beams that were given up too
 * @param cachedTokens tokens that the prefix cache had and that were not computed, after preemptions too
 * @param preemptions units put back to make room, or because their texts grew so long that they are rotated otherwise: sampled
 *     sequences, or all beams of a search
 * @param kvBlocks KV blocks in all
 * @param freeKvBlocks KV blocks that no sequence holds
 * @param cachedKvBlocks those of the free ones whose content the prefix cache keeps until room is needed
 * @param batchSize sequences computed by the last step; 0 while there is nothing to compute
 * @param meanBatchSize sequences a step, on average over all steps; 0 before the first
 * @param generatedPerSecond rate of {@code generatedTokens}
 * @param prefilledPerSecond rate of {@code prefillTokens}
 * @param busy time spent on steps
 * @param uptime time since the engine was opened; stands still when it is closed
 */
public record EngineMetrics(int running, int paused, int waiting, Map<FinishReason, Long> finishedBy, long refused, long steps,
                            long computedTokens, long prefillTokens, long generatedTokens, long cachedTokens, long preemptions,
                            int kvBlocks, int freeKvBlocks, int cachedKvBlocks, int batchSize, double meanBatchSize,
                            double generatedPerSecond, double prefilledPerSecond, Duration busy, Duration uptime) {
    /** Keeps a copy of the map. */
    public EngineMetrics {
        finishedBy = Map.copyOf(finishedBy);
    }

    /** Requests that have ended, however. */
    public long finished() {
        return finishedBy.values().stream().mapToLong(Long::longValue).sum();
    }

    /** KV blocks that sequences hold. */
    public int usedKvBlocks() {
        return kvBlocks - freeKvBlocks;
    }

    /** Which part of the KV blocks sequences hold, 0 to 1. */
    public double kvUse() {
        return (double) usedKvBlocks() / kvBlocks;
    }
}
