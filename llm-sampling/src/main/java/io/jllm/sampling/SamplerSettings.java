package io.jllm.sampling;

/**
 * What shapes the choice of one token, ready for a sampler: every value is resolved, nothing is optional.
 *
 * @param temperature 0 picks the most likely token; else logits are divided by it. Finite, at least 0
 * @param topK keep the k most likely tokens; 0 keeps all
 * @param topP keep the smallest set of most likely tokens whose probabilities reach p; in (0, 1], 1 keeps all
 * @param minP keep tokens at least this times as likely as the most likely; in [0, 1], 0 keeps all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens in prompt or output; above 0, 1 is none
 * @param presencePenalty subtracted once from tokens in the output
 * @param frequencyPenalty subtracted for each time that a token stands in the output
 * @param seed key of the counter-based random source; the counter is the position of the token, so the draw depends on
 *        nothing else in the batch
 * @param bias added to the logits of some tokens; see {@link LogitBias}
 */
public record SamplerSettings(float temperature, int topK, float topP, float minP, float repetitionPenalty,
                              float presencePenalty, float frequencyPenalty, long seed, LogitBias bias) {
    /** Greedy choice of the raw row, nothing else. */
    public static final SamplerSettings GREEDY = new SamplerSettings(0, 0, 1, 0, 1, 0, 0, 0, LogitBias.NONE);

    /** Whether any of the three penalties changes a logit. */
    public boolean hasPenalties() {
        return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
    }
}
