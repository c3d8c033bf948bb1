package io.jllm.sampling;

/**
 * What shapes the choice of one token, ready for a sampler: every value is resolved, nothing is optional.
 *
 * @param temperature 0 picks the most likely token; else logits are divided by it. Finite, at least 0
 * @param topK keep the k most likely tokens, the lower ids among equals; at least 0, which keeps all
 * @param topP keep the smallest set of most likely tokens whose probabilities reach p, the lower ids among equals, and one at
 *        least; in [0, 1], 1 keeps all, 0 the most likely alone
 * @param minP keep tokens at least this times as likely as the most likely; in [0, 1], 0 keeps all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens in prompt or output; finite,
 *        above 0, 1 is none
 * @param presencePenalty subtracted once from tokens in the output; finite
 * @param frequencyPenalty subtracted for each time that a token stands in the output; finite
 * @param seed key of the counter-based random source; the counter is the position of the token, so the draw depends on
 *        nothing else in the batch
 * @param bias added to the logits of some tokens; see {@link LogitBias}
 */
public record SamplerSettings(float temperature, int topK, float topP, float minP, float repetitionPenalty,
                              float presencePenalty, float frequencyPenalty, long seed, LogitBias bias) {
    /** Greedy choice of the raw row, nothing else. */
    public static final SamplerSettings GREEDY = new SamplerSettings(0, 0, 1, 0, 1, 0, 0, 0, LogitBias.NONE);

    /** Checks every range. */
    public SamplerSettings {
        check(temperature >= 0 && temperature < Float.POSITIVE_INFINITY, "temperature", temperature, "finite and at least 0");
        check(topK >= 0, "topK", topK, "at least 0");
        check(topP >= 0 && topP <= 1, "topP", topP, "in [0, 1]");
        check(minP >= 0 && minP <= 1, "minP", minP, "in [0, 1]");
        check(repetitionPenalty > 0 && repetitionPenalty < Float.POSITIVE_INFINITY, "repetitionPenalty", repetitionPenalty,
                "finite and above 0");
        check(Float.isFinite(presencePenalty), "presencePenalty", presencePenalty, "finite");
        check(Float.isFinite(frequencyPenalty), "frequencyPenalty", frequencyPenalty, "finite");
    }

    private static void check(boolean ok, String name, float value, String range) {
        if (!ok) {
            throw new IllegalArgumentException(name + " must be " + range + ", was " + value);
        }
    }

    /** Whether nothing is drawn: the token of the highest logit is picked, as penalties and bias left it, the lowest id among equals. */
    public boolean picksHighest() {
        return temperature == 0 || topP == 0;
    }

    /** Whether the token of the highest raw logit is picked, the lowest id among equals. */
    public boolean greedy() {
        return picksHighest() && !hasPenalties() && bias.isEmpty();
    }

    /** Whether any of the three penalties changes a logit. */
    public boolean hasPenalties() {
        return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
    }
}
