package io.jllm;

import io.jllm.sampling.EarlyStopping;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;

/** Builds {@link BeamSearchParams}, where each setting is described; ranges are checked by {@link #build}. For one thread. */
public final class BeamSearchParamsBuilder {
    private final int width;
    private int n = 1;
    private double lengthPenalty = 1;
    private EarlyStopping earlyStopping = EarlyStopping.FALSE;
    private OptionalInt maxTokens = OptionalInt.empty();
    private int minTokens;
    private float repetitionPenalty = 1;
    private float presencePenalty;
    private float frequencyPenalty;
    private Set<Integer> stopTokenIds = Set.of();
    private boolean ignoreEos;
    private int logprobs;
    private Map<Integer, Float> logitBias = Map.of();
    private Set<Integer> allowedTokenIds = Set.of();
    private Optional<Supplier<LogitsProcessor>> logitsProcessor = Optional.empty();
    private String cacheSalt = "";
    private Optional<Duration> timeout = Optional.empty();
    private int priority;

    BeamSearchParamsBuilder(int width) {
        this.width = width;
    }

    BeamSearchParamsBuilder(BeamSearchParams p) {
        width = p.width();
        n = p.n();
        lengthPenalty = p.lengthPenalty();
        earlyStopping = p.earlyStopping();
        maxTokens = p.maxTokens();
        minTokens = p.minTokens();
        repetitionPenalty = p.repetitionPenalty();
        presencePenalty = p.presencePenalty();
        frequencyPenalty = p.frequencyPenalty();
        stopTokenIds = p.stopTokenIds();
        ignoreEos = p.ignoreEos();
        logprobs = p.logprobs();
        logitBias = p.logitBias();
        allowedTokenIds = p.allowedTokenIds();
        logitsProcessor = p.logitsProcessor();
        cacheSalt = p.cacheSalt();
        timeout = p.timeout();
        priority = p.priority();
    }

    /** See {@link BeamSearchParams#n}. */
    public BeamSearchParamsBuilder n(int value) {
        n = value;
        return this;
    }

    /** See {@link BeamSearchParams#lengthPenalty}. */
    public BeamSearchParamsBuilder lengthPenalty(double value) {
        lengthPenalty = value;
        return this;
    }

    /** See {@link BeamSearchParams#earlyStopping}. */
    public BeamSearchParamsBuilder earlyStopping(EarlyStopping value) {
        earlyStopping = value;
        return this;
    }

    /** See {@link BeamSearchParams#maxTokens}. */
    public BeamSearchParamsBuilder maxTokens(int value) {
        maxTokens = OptionalInt.of(value);
        return this;
    }

    /** See {@link BeamSearchParams#minTokens}. */
    public BeamSearchParamsBuilder minTokens(int value) {
        minTokens = value;
        return this;
    }

    /** See {@link BeamSearchParams#repetitionPenalty}. */
    public BeamSearchParamsBuilder repetitionPenalty(double value) {
        repetitionPenalty = (float) value;
        return this;
    }

    /** See {@link BeamSearchParams#presencePenalty}. */
    public BeamSearchParamsBuilder presencePenalty(double value) {
        presencePenalty = (float) value;
        return this;
    }

    /** See {@link BeamSearchParams#frequencyPenalty}. */
    public BeamSearchParamsBuilder frequencyPenalty(double value) {
        frequencyPenalty = (float) value;
        return this;
    }

    /** See {@link BeamSearchParams#stopTokenIds}. */
    public BeamSearchParamsBuilder stopTokenIds(Collection<Integer> values) {
        stopTokenIds = Set.copyOf(values);
        return this;
    }

    /** See {@link BeamSearchParams#ignoreEos}. */
    public BeamSearchParamsBuilder ignoreEos(boolean value) {
        ignoreEos = value;
        return this;
    }

    /** See {@link BeamSearchParams#logprobs}. */
    public BeamSearchParamsBuilder logprobs(int alternatives) {
        logprobs = alternatives;
        return this;
    }

    /** Adds to one token's log-probability; see {@link BeamSearchParams#logitBias}. */
    public BeamSearchParamsBuilder logitBias(int tokenId, double bias) {
        var map = new HashMap<>(logitBias);
        map.put(tokenId, (float) bias);
        logitBias = map;
        return this;
    }

    /** See {@link BeamSearchParams#allowedTokenIds}. */
    public BeamSearchParamsBuilder allowedTokenIds(Collection<Integer> values) {
        allowedTokenIds = Set.copyOf(values);
        return this;
    }

    /** See {@link BeamSearchParams#logitsProcessor}; the supplier is called once a request, on the engine's thread. */
    public BeamSearchParamsBuilder logitsProcessor(Supplier<LogitsProcessor> factory) {
        logitsProcessor = Optional.of(factory);
        return this;
    }

    /** See {@link BeamSearchParams#cacheSalt}. */
    public BeamSearchParamsBuilder cacheSalt(String value) {
        cacheSalt = value;
        return this;
    }

    /** See {@link BeamSearchParams#timeout}. */
    public BeamSearchParamsBuilder timeout(Duration value) {
        timeout = Optional.of(value);
        return this;
    }

    /** See {@link BeamSearchParams#priority}. */
    public BeamSearchParamsBuilder priority(int value) {
        priority = value;
        return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if one is out of range; the message names it, its value and the range
     */
    public BeamSearchParams build() {
        return new BeamSearchParams(width, n, lengthPenalty, earlyStopping, maxTokens, minTokens, repetitionPenalty, presencePenalty,
                frequencyPenalty, stopTokenIds, ignoreEos, logprobs, logitBias, allowedTokenIds, logitsProcessor, cacheSalt, timeout,
                priority);
    }
}
