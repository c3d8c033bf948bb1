package io.jllm.engine.schedule;

/**
 * Sizes of a step.
 *
 * @param maxTokens most tokens
 * @param maxSequences most sequences
 * @param maxLogitRows most rows of logits: one for each sequence, and the rest for log-probabilities of prompts
 * @param blockSize positions a KV block
 * @param prefixCache whether sequences that begin alike share blocks
 */
public record SchedulerLimits(int maxTokens, int maxSequences, int maxLogitRows, int blockSize, boolean prefixCache) {
    public SchedulerLimits {
        if (maxTokens < 1 || maxSequences < 1 || blockSize < 1 || maxLogitRows <= maxSequences) {
            throw new IllegalArgumentException("step limits out of range: " + maxTokens + " tokens, " + maxSequences
                    + " sequences, " + maxLogitRows + " rows, blocks of " + blockSize);
        }
    }
}
