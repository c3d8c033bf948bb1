package io.jllm;

import io.jllm.constraint.Constraint;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;

/** The parameters of a request, of either kind: what both have in common is read here, and described at {@link Decoding}. */
public sealed interface DecodingParams permits SamplingParams, BeamSearchParams {
    /** All that both kinds have in common. */
    Decoding decoding();

    /** Most tokens to generate. See {@link Decoding#maxTokens}. */
    default OptionalInt maxTokens() {
        return decoding().maxTokens();
    }

    /** How many tokens come before any end. See {@link Decoding#minTokens}. */
    default int minTokens() {
        return decoding().minTokens();
    }

    /** Penalty of tokens in prompt or output. See {@link Decoding#repetitionPenalty}. */
    default float repetitionPenalty() {
        return decoding().repetitionPenalty();
    }

    /** Penalty of tokens in the output. See {@link Decoding#presencePenalty}. */
    default float presencePenalty() {
        return decoding().presencePenalty();
    }

    /** Penalty of each occurrence in the output. See {@link Decoding#frequencyPenalty}. */
    default float frequencyPenalty() {
        return decoding().frequencyPenalty();
    }

    /** Tokens that end the text. See {@link Decoding#stopTokenIds}. */
    default Set<Integer> stopTokenIds() {
        return decoding().stopTokenIds();
    }

    /** Whether to go on past the model's own ends. See {@link Decoding#ignoreEos}. */
    default boolean ignoreEos() {
        return decoding().ignoreEos();
    }

    /** Whether special tokens are left out of the text. See {@link Decoding#skipSpecialTokens}. */
    default boolean skipSpecialTokens() {
        return decoding().skipSpecialTokens();
    }

    /** Alternatives reported for each token. See {@link Decoding#logprobs}. */
    default int logprobs() {
        return decoding().logprobs();
    }

    /** Added to logits by token id. See {@link Decoding#logitBias}. */
    default Map<Integer, Float> logitBias() {
        return decoding().logitBias();
    }

    /** The only tokens that may be picked, if any are given. See {@link Decoding#allowedTokenIds}. */
    default Set<Integer> allowedTokenIds() {
        return decoding().allowedTokenIds();
    }

    /** Makes the request's own processor. See {@link Decoding#logitsProcessor}. */
    default Optional<Supplier<LogitsProcessor>> logitsProcessor() {
        return decoding().logitsProcessor();
    }

    /** What the answer must look like. See {@link Decoding#constraint}. */
    default Optional<Constraint> constraint() {
        return decoding().constraint();
    }

    /** Whose computed prefixes it shares. See {@link Decoding#cacheSalt}. */
    default String cacheSalt() {
        return decoding().cacheSalt();
    }

    /** How long it may take. See {@link Decoding#timeout}. */
    default Optional<Duration> timeout() {
        return decoding().timeout();
    }

    /** Who goes first. See {@link Decoding#priority}. */
    default int priority() {
        return decoding().priority();
    }

    /** The adapter to compute with. See {@link Decoding#adapter}. */
    default Optional<String> adapter() {
        return decoding().adapter();
    }
}
