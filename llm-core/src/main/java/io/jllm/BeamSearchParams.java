package io.jllm;

import io.jllm.sampling.EarlyStopping;

/**
 * How to search for the most likely texts with beams, as Hugging Face's {@code generate(num_beams=...)} does. Immutable,
 * reusable, safe for all threads. Build one with {@link #builder}.
 *
 * <p>Order of the chain, at each step and for each beam: the row becomes log-probabilities; then logits processor, penalties,
 * bias and allowed tokens are applied to these, and their sum ranks the continuations of all beams. A finished text scores its sum
 * divided by {@code length ^ lengthPenalty}; see {@link CompletionOutput#score}.
 *
 * @param width how many beams are kept, {@code num_beams}; at least 1, and at most the engine's maxSequences
 * @param n how many texts come back, best first, {@code num_return_sequences}; 1 to {@code width}. Default 1. Fewer come back only
 *     where bans leave no more
 * @param lengthPenalty exponent of the length; above 0 favours long texts, below 0 short ones; in [-10, 10]. Default 1
 * @param earlyStopping when to end before {@code maxTokens}. Default {@link EarlyStopping#FALSE}
 * @param decoding what sampling has too: limits, ends, penalties, bias, log-probabilities, timeout, priority
 */
public record BeamSearchParams(int width, int n, double lengthPenalty, EarlyStopping earlyStopping, Decoding decoding)
        implements DecodingParams {
    /** Checks every range. */
    public BeamSearchParams {
        Decoding.check(width >= 1, "width", width, "at least 1");
        Decoding.check(n >= 1 && n <= width, "n", n, "in 1 to the width of " + width);
        Decoding.check(Math.abs(lengthPenalty) <= 10, "lengthPenalty", lengthPenalty, "in [-10, 10]");
        int maxTokens = decoding.maxTokens().orElse(1);
        Decoding.check(maxTokens >= 1, "maxTokens", maxTokens, "at least 1");
    }

    /** A search with that many beams and neutral settings. */
    public static BeamSearchParamsBuilder builder(int width) {
        return new BeamSearchParamsBuilder(width);
    }

    /** A builder with these settings. */
    public BeamSearchParamsBuilder toBuilder() {
        return new BeamSearchParamsBuilder(this);
    }

    /** What greedy sampling and a search have in common: limits, ends, penalties, bias and processor. */
    public SamplingParams toSamplingParams() {
        return SamplingParams.builder().temperature(0).decoding(decoding).build();
    }
}
