package io.jllm.engine.schedule;

/**
 * Sizes of a step.
 *
 * @param maxTokens most tokens
 * @param mixedTokens most tokens where sequences generate, which wait for the prompts in it
 * @param maxSequences most sequences
 * @param maxLogitRows most rows of logits: one for each sequence, and the rest for log-probabilities of prompts
 * @param blockSize positions a KV block
 * @param prefixCache whether sequences that begin alike share blocks
 */
public record SchedulerLimits(int maxTokens, int mixedTokens, int maxSequences, int maxLogitRows, int blockSize, boolean prefixCache) {
    public SchedulerLimits {
        if (maxTokens < 1 || mixedTokens < 1 || mixedTokens > maxTokens || maxSequences < 1 || blockSize < 1 || maxLogitRows <= maxSequences) {
            throw new IllegalArgumentException("step limits out of range: " + maxTokens + " tokens, " + mixedTokens + " where sequences generate, "
                    + maxSequences + " sequences, " + maxLogitRows + " rows, blocks of " + blockSize);
        }
    }

    /** Steps are alike, whether sequences generate or not. */
    public SchedulerLimits(int maxTokens, int maxSequences, int maxLogitRows, int blockSize, boolean prefixCache) {
        this(maxTokens, maxTokens, maxSequences, maxLogitRows, blockSize, prefixCache);
    }

    /** The same with so many tokens where sequences generate, within what there is room for: as many for prompts, at least, as for sequences. */
    public SchedulerLimits mixed(int tokens) {
        int least = (int) Math.min(maxTokens, 2L * maxSequences);
        return new SchedulerLimits(maxTokens, Math.clamp(tokens, least, maxTokens), maxSequences, maxLogitRows, blockSize, prefixCache);
    }
}
