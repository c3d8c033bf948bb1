package io.jllm;

import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How to generate. Immutable, reusable, safe for all threads. Build one with {@link #builder()}, or start from a model's own
 * settings with {@link LLM#defaults()} and {@link #toBuilder()}.
 *
 * <p>Order of the chain: log-probabilities are read from the raw row; then logits processor, penalties, bias and allowed
 * tokens, temperature, top-k, top-p, min-p, pick. (Hugging Face and vLLM truncate after the temperature too; llama.cpp applies
 * the temperature last, so the same numbers give other text there.)
 *
 * @param n how many outputs to draw for the prompt, which is computed once; at least 1, and at most the engine's maxSequences.
 *     Default 1
 * @param temperature 0 is greedy; else divides the logits. Finite, at least 0. Default 1
 * @param topK keep the k most likely tokens; 0, the default, keeps all
 * @param topP keep the most likely tokens whose probabilities sum to p; in [0, 1]. 0 keeps the most likely alone, so that nothing is
 *     drawn, whatever the temperature. Default 1
 * @param minP keep tokens at least this times as likely as the most likely; in [0, 1]. Default 0
 * @param seed same seed, same text, whatever else runs; default a new one for each request. The first of several
 *     outputs draws as a single one would, each other with a seed derived from this one
 * @param stop strings that end the text; they are left out of it. None empty. One that holds a special token as the vocabulary writes
 *     it, such as {@code <|im_end|>} or {@code <|im_end|>\n}, is found where the model gives that token, though special tokens are never
 *     part of the text
 * @param promptLogprobs report log-probabilities of the prompt, with this many alternatives; 0 to 100. Default: do not
 * @param decoding what a beam search has too: limits, ends, penalties, bias, log-probabilities, timeout, priority
 */
public record SamplingParams(int n, float temperature, int topK, float topP, float minP, OptionalLong seed, List<String> stop,
                             OptionalInt promptLogprobs, Decoding decoding) implements DecodingParams {
    /** Most alternatives that can be asked for. */
    public static final int MAX_LOGPROBS = Decoding.MAX_LOGPROBS;

    /** Checks every range. */
    public SamplingParams {
        Decoding.check(n >= 1, "n", n, "at least 1");
        Decoding.check(temperature >= 0 && temperature < Float.POSITIVE_INFINITY, "temperature", temperature, "finite and at least 0");
        Decoding.check(topK >= 0, "topK", topK, "at least 0 (0 keeps all tokens)");
        Decoding.check(topP >= 0 && topP <= 1, "topP", topP, "in [0, 1]");
        Decoding.check(minP >= 0 && minP <= 1, "minP", minP, "in [0, 1]");
        Decoding.check(promptLogprobs.orElse(0) >= 0 && promptLogprobs.orElse(0) <= MAX_LOGPROBS, "promptLogprobs", promptLogprobs,
                "in 0 to " + MAX_LOGPROBS);
        stop = List.copyOf(stop);
        Decoding.check(stop.stream().noneMatch(String::isEmpty), "stop", stop, "without empty strings");
    }

    /** Neutral settings: temperature 1, nothing truncated, nothing penalised. */
    public static SamplingParams neutral() {
        return builder().build();
    }

    /** Always the most likely token. */
    public static SamplingParams greedy() {
        return builder().temperature(0).build();
    }

    /** A builder with neutral settings. */
    public static SamplingParamsBuilder builder() {
        return new SamplingParamsBuilder();
    }

    /** A builder with these settings. */
    public SamplingParamsBuilder toBuilder() {
        return new SamplingParamsBuilder(this);
    }
}
