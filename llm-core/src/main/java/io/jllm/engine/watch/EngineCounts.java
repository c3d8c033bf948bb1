package io.jllm.engine.watch;

import io.jllm.EngineMetrics;
import io.jllm.FinishReason;
import java.time.Duration;
import java.util.EnumMap;
import java.util.EnumSet;

/**
 * What an engine has counted up to a moment: published as one object, so that readers see all numbers of the same moment and
 * never make the engine wait. Components are those of {@link EngineMetrics}.
 *
 * @param at when, by {@link io.jllm.engine.sequence.Clock}
 * @param finishedBy by the ordinal of {@link FinishReason}; not to be changed
 * @param sequences sequences of all steps together
 * @param busy nanoseconds spent on steps
 */
record EngineCounts(long at, int running, int paused, int waiting, long[] finishedBy, long steps, long computed, long prefilled,
                    long generated, long cached, long preemptions, int blocks, int freeBlocks, int cachedBlocks, int batchSize,
                    long sequences, long busy) {
    /**
     * For an application.
     *
     * @param base the counts at the beginning of the time that rates are of
     * @param window that time in nanoseconds
     * @param uptime nanoseconds since the engine was opened
     */
    EngineMetrics metrics(EngineCounts base, long window, long uptime, long refused) {
        var reasons = new EnumMap<FinishReason, Long>(FinishReason.class);
        for (FinishReason reason : EnumSet.complementOf(EnumSet.of(FinishReason.TOOL_CALLS))) { // of which an engine knows nothing
            reasons.put(reason, finishedBy[reason.ordinal()]);
        }
        double seconds = Math.max(1, window) / 1e9;
        return new EngineMetrics(running, paused, waiting, reasons, refused, steps, computed, prefilled, generated, cached, preemptions,
                blocks, freeBlocks, cachedBlocks, batchSize, steps == 0 ? 0 : (double) sequences / steps,
                (generated - base.generated) / seconds, (prefilled - base.prefilled) / seconds, Duration.ofNanos(busy),
                Duration.ofNanos(uptime));
    }
}
