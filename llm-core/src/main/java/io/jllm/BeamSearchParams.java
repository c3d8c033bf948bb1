package io.jllm;

import io.jllm.sampling.EarlyStopping;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;

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
 * @param maxTokens most tokens to generate, at least 1; default what is left of the context
 * @param minTokens no end-of-sequence or stop token before this many; at least 0. Default 0
 * @param repetitionPenalty for tokens in prompt or output: multiplies log-probabilities. Above 0. Default 1
 * @param presencePenalty subtracted from tokens in the output; in [-2, 2]. Default 0
 * @param frequencyPenalty subtracted for each occurrence in the output; in [-2, 2]. Default 0
 * @param stopTokenIds tokens that end a text beside the model's own
 * @param ignoreEos go on past the model's end-of-sequence tokens. Default false
 * @param logprobs how many alternatives to report for each generated token; 0 to 100. Default 0
 * @param logitBias added to log-probabilities by token id; negative infinity bans a token
 * @param allowedTokenIds if not empty, no other token is picked
 * @param logitsProcessor makes the request's own processor, if any; it sees log-probabilities, and is forked with the beams
 * @param cacheSalt requests share computed prefixes only with requests of the same salt; default empty
 * @param timeout cancel the request this long after it joined the queue; above zero. Default never
 * @param priority who goes first: lower is earlier; see {@link SamplingParams#priority}. Default 0
 */
public record BeamSearchParams(int width, int n, double lengthPenalty, EarlyStopping earlyStopping, OptionalInt maxTokens, int minTokens,
                               float repetitionPenalty, float presencePenalty, float frequencyPenalty, Set<Integer> stopTokenIds,
                               boolean ignoreEos, int logprobs, Map<Integer, Float> logitBias, Set<Integer> allowedTokenIds,
                               Optional<Supplier<LogitsProcessor>> logitsProcessor, String cacheSalt, Optional<Duration> timeout,
                               int priority) {
    /** Checks every range. */
    public BeamSearchParams {
        check(width >= 1, "width", width, "at least 1");
        check(n >= 1 && n <= width, "n", n, "in 1 to the width of " + width);
        check(Math.abs(lengthPenalty) <= 10, "lengthPenalty", lengthPenalty, "in [-10, 10]");
        check(maxTokens.orElse(1) >= 1, "maxTokens", maxTokens.orElse(1), "at least 1");
        stopTokenIds = Set.copyOf(stopTokenIds);
        logitBias = Map.copyOf(logitBias);
        allowedTokenIds = Set.copyOf(allowedTokenIds);
        sampling(maxTokens, minTokens, repetitionPenalty, presencePenalty, frequencyPenalty, stopTokenIds, ignoreEos, logprobs, logitBias,
                allowedTokenIds, logitsProcessor, cacheSalt, timeout, priority);
    }

    private static void check(boolean ok, String name, Number value, String range) {
        if (!ok) {
            throw new IllegalArgumentException(name + " must be " + range + ", was " + value);
        }
    }

    private static SamplingParams sampling(OptionalInt maxTokens, int minTokens, float repetitionPenalty, float presencePenalty,
                                           float frequencyPenalty, Set<Integer> stopTokenIds, boolean ignoreEos, int logprobs,
                                           Map<Integer, Float> logitBias, Set<Integer> allowedTokenIds,
                                           Optional<Supplier<LogitsProcessor>> logitsProcessor, String cacheSalt,
                                           Optional<Duration> timeout, int priority) {
        var builder = SamplingParams.builder().temperature(0).minTokens(minTokens).repetitionPenalty(repetitionPenalty)
                .presencePenalty(presencePenalty).frequencyPenalty(frequencyPenalty).stopTokenIds(stopTokenIds).ignoreEos(ignoreEos)
                .logprobs(logprobs).allowedTokenIds(allowedTokenIds).cacheSalt(cacheSalt).priority(priority);
        maxTokens.ifPresent(builder::maxTokens);
        logitBias.forEach(builder::logitBias);
        logitsProcessor.ifPresent(builder::logitsProcessor);
        timeout.ifPresent(builder::timeout);
        return builder.build();
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
        return sampling(maxTokens, minTokens, repetitionPenalty, presencePenalty, frequencyPenalty, stopTokenIds, ignoreEos, logprobs,
                logitBias, allowedTokenIds, logitsProcessor, cacheSalt, timeout, priority);
    }
}
