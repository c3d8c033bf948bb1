package io.jllm;

import io.jllm.constraint.Constraint;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What sampling and beam search have in common: limits, ends, penalties, bias, what is reported, and how a request waits. Part of
 * {@link SamplingParams} and {@link BeamSearchParams}, whose builders make it. Immutable, safe for all threads.
 *
 * @param maxTokens most tokens to generate, at least 0, and at least 1 in a beam search; default what is left of the context
 * @param minTokens no end-of-sequence token, stop token or stop string before this many; at least 0. A stop string counts if its last
 *     character comes with a later token, wherever it began. Default 0
 * @param repetitionPenalty for tokens in prompt or output: divides positive logits, multiplies negative ones, and so log-probabilities. Above 0.
 *     Default 1
 * @param presencePenalty subtracted from tokens in the output; in [-2, 2]. Default 0
 * @param frequencyPenalty subtracted for each occurrence in the output; in [-2, 2]. Default 0
 * @param stopTokenIds tokens that end the text beside the model's own
 * @param ignoreEos go on past the model's end-of-sequence tokens. Default false
 * @param skipSpecialTokens leave special tokens out of the text. If not, each is there as the vocabulary writes it, but for the one that ends the
 *     text. Default true
 * @param logprobs how many alternatives to report for each generated token; 0 to 100. Default 0
 * @param logitBias added by token id to logits, in a beam search to log-probabilities; negative infinity bans a token
 * @param allowedTokenIds if not empty, no other token is picked
 * @param logitsProcessor makes the request's own processor, if any. Its rows are sampled by other code than rows without one, so the last
 *     digit of a log-probability may differ where the processor changes nothing. In a beam search it sees log-probabilities, and is
 *     forked with the beams
 * @param constraint what the answer must look like, if anything: tokens that it does not allow are banned before anything else, an
 *     end-of-sequence or stop token comes only where the answer is whole, and where nothing can follow the text ends by itself, whatever
 *     {@code minTokens} and {@code ignoreEos} say; near the limit of tokens it is made to end in time, as {@link Constraint} describes. Reported
 *     log-probabilities are the model's own. Such rows are sampled by the host
 * @param cacheSalt requests share computed prefixes only with requests of the same salt; default empty
 * @param timeout cancel the request this long after it joined the queue; above zero. Default never
 * @param priority who goes first when requests wait, and stays when room runs out: lower is earlier, equal ones go by their age.
 *     Any number. Default 0. However low, it is only a matter of patience: see {@link LLM}
 * @param adapter the name of the adapter to compute with, one of {@link LLM#adapters}; default none
 */
public record Decoding(OptionalInt maxTokens, int minTokens, float repetitionPenalty, float presencePenalty, float frequencyPenalty,
                       Set<Integer> stopTokenIds, boolean ignoreEos, boolean skipSpecialTokens, int logprobs, Map<Integer, Float> logitBias,
                       Set<Integer> allowedTokenIds, Optional<Supplier<LogitsProcessor>> logitsProcessor, Optional<Constraint> constraint,
                       String cacheSalt, Optional<Duration> timeout, int priority, Optional<String> adapter) {
    /** Most alternatives that can be asked for. */
    static final int MAX_LOGPROBS = 100;

    /**
     * Checks every range.
     *
     * @throws IllegalArgumentException if one is out of range; the message names it, its value and the range
     */
    public Decoding {
        check(repetitionPenalty > 0 && repetitionPenalty < Float.POSITIVE_INFINITY, "repetitionPenalty", repetitionPenalty,
                "finite and above 0 (1 is none)");
        check(Math.abs(presencePenalty) <= 2, "presencePenalty", presencePenalty, "in [-2, 2]");
        check(Math.abs(frequencyPenalty) <= 2, "frequencyPenalty", frequencyPenalty, "in [-2, 2]");
        check(maxTokens.orElse(0) >= 0, "maxTokens", maxTokens, "at least 0");
        check(minTokens >= 0, "minTokens", minTokens, "at least 0");
        check(maxTokens.isEmpty() || minTokens <= maxTokens.getAsInt(), "minTokens", minTokens, "at most maxTokens");
        check(logprobs >= 0 && logprobs <= MAX_LOGPROBS, "logprobs", logprobs, "in 0 to " + MAX_LOGPROBS);
        stopTokenIds = Set.copyOf(stopTokenIds);
        logitBias = Map.copyOf(logitBias);
        for (var e : logitBias.entrySet()) {
            check(e.getValue() < Float.POSITIVE_INFINITY, "logitBias of token " + e.getKey(), e.getValue(),
                    "below positive infinity and not NaN");
        }
        allowedTokenIds = Set.copyOf(allowedTokenIds);
        check(timeout.isEmpty() || timeout.get().isPositive(), "timeout", timeout, "above zero");
    }

    static void check(boolean ok, String name, Object value, String range) {
        if (!ok) {
            throw new IllegalArgumentException(name + " must be " + range + ", was " + value);
        }
    }
}
