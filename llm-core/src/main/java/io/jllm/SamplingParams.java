package io.jllm;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;

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
 * @param repetitionPenalty for tokens in prompt or output: divides positive logits, multiplies negative ones. Above 0. Default 1
 * @param presencePenalty subtracted from tokens in the output; in [-2, 2]. Default 0
 * @param frequencyPenalty subtracted for each occurrence in the output; in [-2, 2]. Default 0
 * @param maxTokens most tokens to generate, at least 0; default what is left of the context
 * @param minTokens no end-of-sequence token, stop token or stop string before this many; at least 0. A stop string counts if its last
 *     character comes with a later token, wherever it began. Default 0
 * @param seed same seed, same text, whatever else runs; default a new one for each request. The first of several
 *     outputs draws as a single one would, each other with a seed derived from this one
 * @param stop strings that end the text; they are left out of it. None empty. One that holds a special token as the vocabulary writes
 *     it, such as {@code <|im_end|>} or {@code <|im_end|>\n}, is found where the model gives that token, though special tokens are never
 *     part of the text
 * @param stopTokenIds tokens that end the text beside the model's own
 * @param ignoreEos go on past the model's end-of-sequence tokens. Default false
 * @param logprobs how many alternatives to report for each generated token; 0 to 100. Default 0
 * @param promptLogprobs report log-probabilities of the prompt, with this many alternatives; 0 to 100. Default: do not
 * @param logitBias added to logits by token id; negative infinity bans a token
 * @param allowedTokenIds if not empty, no other token is picked
 * @param logitsProcessor makes the request's own processor, if any; its rows are sampled by other code than rows without one, so the last
 *        digit of a log-probability may differ where the processor changes nothing
 * @param cacheSalt requests share computed prefixes only with requests of the same salt; default empty
 * @param timeout cancel the request this long after it joined the queue; above zero. Default never
 * @param priority who goes first when requests wait, and stays when room runs out: lower is earlier, equal ones go by their age.
 *     Any number. Default 0. However low, it is only a matter of patience: see {@link LLM}
 */
public record SamplingParams(int n, float temperature, int topK, float topP, float minP, float repetitionPenalty,
                             float presencePenalty, float frequencyPenalty, OptionalInt maxTokens, int minTokens,
                             OptionalLong seed, List<String> stop, Set<Integer> stopTokenIds, boolean ignoreEos, int logprobs,
                             OptionalInt promptLogprobs, Map<Integer, Float> logitBias, Set<Integer> allowedTokenIds,
                             Optional<Supplier<LogitsProcessor>> logitsProcessor, String cacheSalt, Optional<Duration> timeout,
                             int priority) {
    /** Most alternatives that can be asked for. */
    public static final int MAX_LOGPROBS = 100;

    /** Checks every range. */
    public SamplingParams {
        check(n >= 1, "n", n, "at least 1");
        check(temperature >= 0 && temperature < Float.POSITIVE_INFINITY, "temperature", temperature, "finite and at least 0");
        check(topK >= 0, "topK", topK, "at least 0 (0 keeps all tokens)");
        check(topP >= 0 && topP <= 1, "topP", topP, "in [0, 1]");
        check(minP >= 0 && minP <= 1, "minP", minP, "in [0, 1]");
        check(repetitionPenalty > 0 && repetitionPenalty < Float.POSITIVE_INFINITY, "repetitionPenalty", repetitionPenalty,
                "finite and above 0 (1 is none)");
        check(Math.abs(presencePenalty) <= 2, "presencePenalty", presencePenalty, "in [-2, 2]");
        check(Math.abs(frequencyPenalty) <= 2, "frequencyPenalty", frequencyPenalty, "in [-2, 2]");
        check(maxTokens.orElse(0) >= 0, "maxTokens", maxTokens, "at least 0");
        check(minTokens >= 0, "minTokens", minTokens, "at least 0");
        check(maxTokens.isEmpty() || minTokens <= maxTokens.getAsInt(), "minTokens", minTokens, "at most maxTokens");
        check(logprobs >= 0 && logprobs <= MAX_LOGPROBS, "logprobs", logprobs, "in 0 to " + MAX_LOGPROBS);
        check(promptLogprobs.orElse(0) >= 0 && promptLogprobs.orElse(0) <= MAX_LOGPROBS, "promptLogprobs", promptLogprobs,
                "in 0 to " + MAX_LOGPROBS);
        stop = List.copyOf(stop);
        check(stop.stream().noneMatch(String::isEmpty), "stop", stop, "without empty strings");
        stopTokenIds = Set.copyOf(stopTokenIds);
        logitBias = Map.copyOf(logitBias);
        for (var e : logitBias.entrySet()) {
            check(e.getValue() < Float.POSITIVE_INFINITY, "logitBias of token " + e.getKey(), e.getValue(),
                    "below positive infinity and not NaN");
        }
        allowedTokenIds = Set.copyOf(allowedTokenIds);
        check(timeout.isEmpty() || timeout.get().isPositive(), "timeout", timeout, "above zero");
    }

    private static void check(boolean ok, String name, Object value, String range) {
        if (!ok) {
            throw new IllegalArgumentException(name + " must be " + range + ", was " + value);
        }
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
