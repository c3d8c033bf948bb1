package io.jllm;

import io.jllm.constraint.Constraint;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The half of both builders of parameters that sets {@link Decoding}, where each setting is described. For one thread.
 *
 * @param <B> the builder itself
 */
public abstract sealed class DecodingParamsBuilder<B extends DecodingParamsBuilder<B>> permits SamplingParamsBuilder, BeamSearchParamsBuilder {
    private OptionalInt maxTokens = OptionalInt.empty();
    private int minTokens;
    private float repetitionPenalty = 1;
    private float presencePenalty;
    private float frequencyPenalty;
    private Set<Integer> stopTokenIds = Set.of();
    private boolean ignoreEos;
    private boolean skipSpecialTokens = true;
    private int logprobs;
    private Map<Integer, Float> logitBias = Map.of();
    private Set<Integer> allowedTokenIds = Set.of();
    private Optional<Supplier<LogitsProcessor>> logitsProcessor = Optional.empty();
    private Optional<Constraint> constraint = Optional.empty();
    private String cacheSalt = "";
    private Optional<Duration> timeout = Optional.empty();
    private int priority;
    private Optional<String> adapter = Optional.empty();

    DecodingParamsBuilder() {
    }

    /** This, by its own type. */
    abstract B self();

    /** Takes over all that both kinds have in common, as from parameters of the other kind. */
    public final B decoding(Decoding d) {
        maxTokens = d.maxTokens();
        minTokens = d.minTokens();
        repetitionPenalty = d.repetitionPenalty();
        presencePenalty = d.presencePenalty();
        frequencyPenalty = d.frequencyPenalty();
        stopTokenIds = d.stopTokenIds();
        ignoreEos = d.ignoreEos();
        skipSpecialTokens = d.skipSpecialTokens();
        logprobs = d.logprobs();
        logitBias = d.logitBias();
        allowedTokenIds = d.allowedTokenIds();
        logitsProcessor = d.logitsProcessor();
        constraint = d.constraint();
        cacheSalt = d.cacheSalt();
        timeout = d.timeout();
        priority = d.priority();
        adapter = d.adapter();
        return self();
    }

    /** See {@link Decoding#maxTokens}. */
    public final B maxTokens(int value) {
        maxTokens = OptionalInt.of(value);
        return self();
    }

    /** See {@link Decoding#minTokens}. */
    public final B minTokens(int value) {
        minTokens = value;
        return self();
    }

    /** See {@link Decoding#repetitionPenalty}. */
    public final B repetitionPenalty(double value) {
        repetitionPenalty = (float) value;
        return self();
    }

    /** See {@link Decoding#presencePenalty}. */
    public final B presencePenalty(double value) {
        presencePenalty = (float) value;
        return self();
    }

    /** See {@link Decoding#frequencyPenalty}. */
    public final B frequencyPenalty(double value) {
        frequencyPenalty = (float) value;
        return self();
    }

    /** See {@link Decoding#stopTokenIds}. */
    public final B stopTokenIds(Collection<Integer> values) {
        stopTokenIds = Set.copyOf(values);
        return self();
    }

    /** See {@link Decoding#ignoreEos}. */
    public final B ignoreEos(boolean value) {
        ignoreEos = value;
        return self();
    }

    /** See {@link Decoding#skipSpecialTokens}. */
    public final B skipSpecialTokens(boolean value) {
        skipSpecialTokens = value;
        return self();
    }

    /** See {@link Decoding#logprobs}. */
    public final B logprobs(int alternatives) {
        logprobs = alternatives;
        return self();
    }

    /** Adds to one token's logit, in a beam search to its log-probability; see {@link Decoding#logitBias}. */
    public final B logitBias(int tokenId, double bias) {
        var map = new HashMap<>(logitBias);
        map.put(tokenId, (float) bias);
        logitBias = map;
        return self();
    }

    /** See {@link Decoding#allowedTokenIds}. */
    public final B allowedTokenIds(Collection<Integer> values) {
        allowedTokenIds = Set.copyOf(values);
        return self();
    }

    /** See {@link Decoding#logitsProcessor}; the supplier is called once a request, on the engine's thread. */
    public final B logitsProcessor(Supplier<LogitsProcessor> factory) {
        logitsProcessor = Optional.of(factory);
        return self();
    }

    /** See {@link Decoding#constraint}; one constraint may serve any number of requests. */
    public final B constraint(Constraint value) {
        constraint = Optional.of(value);
        return self();
    }

    /** See {@link Decoding#cacheSalt}. */
    public final B cacheSalt(String value) {
        cacheSalt = value;
        return self();
    }

    /** See {@link Decoding#timeout}. */
    public final B timeout(Duration value) {
        timeout = Optional.of(value);
        return self();
    }

    /** See {@link Decoding#priority}. */
    public final B priority(int value) {
        priority = value;
        return self();
    }

    /** See {@link Decoding#adapter}. */
    public final B adapter(String name) {
        adapter = Optional.of(name);
        return self();
    }

    final Decoding decoding() {
        return new Decoding(maxTokens, minTokens, repetitionPenalty, presencePenalty, frequencyPenalty, stopTokenIds, ignoreEos,
                skipSpecialTokens, logprobs, logitBias, allowedTokenIds, logitsProcessor, constraint, cacheSalt, timeout, priority, adapter);
    }
}
