package io.jllm;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;

/** Builds {@link SamplingParams}, where each setting is described; ranges are checked by {@link #build}. For one thread. */
public final class SamplingParamsBuilder {
    private int n = 1;
    private float temperature = 1;
    private int topK;
    private float topP = 1;
    private float minP;
    private float repetitionPenalty = 1;
    private float presencePenalty;
    private float frequencyPenalty;
    private OptionalInt maxTokens = OptionalInt.empty();
    private int minTokens;
    private OptionalLong seed = OptionalLong.empty();
    private List<String> stop = List.of();
    private Set<Integer> stopTokenIds = Set.of();
    private boolean ignoreEos;
    private int logprobs;
    private OptionalInt promptLogprobs = OptionalInt.empty();
    private Map<Integer, Float> logitBias = Map.of();
    private Set<Integer> allowedTokenIds = Set.of();
    private Optional<Supplier<LogitsProcessor>> logitsProcessor = Optional.empty();
    private String cacheSalt = "";
    private Optional<Duration> timeout = Optional.empty();
    private int priority;

    SamplingParamsBuilder() {
    }

    SamplingParamsBuilder(SamplingParams p) {
        n = p.n();
        temperature = p.temperature();
        topK = p.topK();
        topP = p.topP();
        minP = p.minP();
        repetitionPenalty = p.repetitionPenalty();
        presencePenalty = p.presencePenalty();
        frequencyPenalty = p.frequencyPenalty();
        maxTokens = p.maxTokens();
        minTokens = p.minTokens();
        seed = p.seed();
        stop = p.stop();
        stopTokenIds = p.stopTokenIds();
        ignoreEos = p.ignoreEos();
        logprobs = p.logprobs();
        promptLogprobs = p.promptLogprobs();
        logitBias = p.logitBias();
        allowedTokenIds = p.allowedTokenIds();
        logitsProcessor = p.logitsProcessor();
        cacheSalt = p.cacheSalt();
        timeout = p.timeout();
        priority = p.priority();
    }

    /** See {@link SamplingParams#n}. */
    public SamplingParamsBuilder n(int value) {
        n = value;
        return this;
    }

    /** See {@link SamplingParams#temperature}. */
    public SamplingParamsBuilder temperature(double value) {
        temperature = (float) value;
        return this;
    }

    /** See {@link SamplingParams#topK}. */
    public SamplingParamsBuilder topK(int value) {
        topK = value;
        return this;
    }

    /** See {@link SamplingParams#topP}. */
    public SamplingParamsBuilder topP(double value) {
        topP = (float) value;
        return this;
    }

    /** See {@link SamplingParams#minP}. */
    public SamplingParamsBuilder minP(double value) {
        minP = (float) value;
        return this;
    }

    /** See {@link SamplingParams#repetitionPenalty}. */
    public SamplingParamsBuilder repetitionPenalty(double value) {
        repetitionPenalty = (float) value;
        return this;
    }

    /** See {@link SamplingParams#presencePenalty}. */
    public SamplingParamsBuilder presencePenalty(double value) {
        presencePenalty = (float) value;
        return this;
    }

    /** See {@link SamplingParams#frequencyPenalty}. */
    public SamplingParamsBuilder frequencyPenalty(double value) {
        frequencyPenalty = (float) value;
        return this;
    }

    /** See {@link SamplingParams#maxTokens}. */
    public SamplingParamsBuilder maxTokens(int value) {
        maxTokens = OptionalInt.of(value);
        return this;
    }

    /** See {@link SamplingParams#minTokens}. */
    public SamplingParamsBuilder minTokens(int value) {
        minTokens = value;
        return this;
    }

    /** See {@link SamplingParams#seed}. */
    public SamplingParamsBuilder seed(long value) {
        seed = OptionalLong.of(value);
        return this;
    }

    /** See {@link SamplingParams#stop}. */
    public SamplingParamsBuilder stop(String... values) {
        stop = List.of(values);
        return this;
    }

    /** See {@link SamplingParams#stopTokenIds}. */
    public SamplingParamsBuilder stopTokenIds(Collection<Integer> values) {
        stopTokenIds = Set.copyOf(values);
        return this;
    }

    /** See {@link SamplingParams#ignoreEos}. */
    public SamplingParamsBuilder ignoreEos(boolean value) {
        ignoreEos = value;
        return this;
    }

    /** See {@link SamplingParams#logprobs}. */
    public SamplingParamsBuilder logprobs(int alternatives) {
        logprobs = alternatives;
        return this;
    }

    /** See {@link SamplingParams#promptLogprobs}. */
    public SamplingParamsBuilder promptLogprobs(int alternatives) {
        promptLogprobs = OptionalInt.of(alternatives);
        return this;
    }

    /** Adds to one token's logit; see {@link SamplingParams#logitBias}. */
    public SamplingParamsBuilder logitBias(int tokenId, double bias) {
        var map = new HashMap<>(logitBias);
        map.put(tokenId, (float) bias);
        logitBias = map;
        return this;
    }

    /** See {@link SamplingParams#allowedTokenIds}. */
    public SamplingParamsBuilder allowedTokenIds(Collection<Integer> values) {
        allowedTokenIds = Set.copyOf(values);
        return this;
    }

    /** See {@link SamplingParams#logitsProcessor}; the supplier is called once a request, on the engine's thread. */
    public SamplingParamsBuilder logitsProcessor(Supplier<LogitsProcessor> factory) {
        logitsProcessor = Optional.of(factory);
        return this;
    }

    /** See {@link SamplingParams#cacheSalt}. */
    public SamplingParamsBuilder cacheSalt(String value) {
        cacheSalt = value;
        return this;
    }

    /** See {@link SamplingParams#timeout}. */
    public SamplingParamsBuilder timeout(Duration value) {
        timeout = Optional.of(value);
        return this;
    }

    /** See {@link SamplingParams#priority}. */
    public SamplingParamsBuilder priority(int value) {
        priority = value;
        return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if one is out of range; the message names it, its value and the range
     */
    public SamplingParams build() {
        return new SamplingParams(n, temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, maxTokens,
                minTokens, seed, stop, stopTokenIds, ignoreEos, logprobs, promptLogprobs, logitBias, allowedTokenIds,
                logitsProcessor, cacheSalt, timeout, priority);
    }
}
