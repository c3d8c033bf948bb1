package io.jllm;

import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Builds {@link SamplingParams}, where each setting is described; ranges are checked by {@link #build}. For one thread. */
public final class SamplingParamsBuilder extends DecodingParamsBuilder<SamplingParamsBuilder> {
    private int n = 1;
    private float temperature = 1;
    private int topK;
    private float topP = 1;
    private float minP;
    private OptionalLong seed = OptionalLong.empty();
    private List<String> stop = List.of();
    private OptionalInt promptLogprobs = OptionalInt.empty();

    SamplingParamsBuilder() {
    }

    SamplingParamsBuilder(SamplingParams p) {
        decoding(p.decoding());
        n = p.n();
        temperature = p.temperature();
        topK = p.topK();
        topP = p.topP();
        minP = p.minP();
        seed = p.seed();
        stop = p.stop();
        promptLogprobs = p.promptLogprobs();
    }

    @Override
    SamplingParamsBuilder self() {
        return this;
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

    /** See {@link SamplingParams#promptLogprobs}. */
    public SamplingParamsBuilder promptLogprobs(int alternatives) {
        promptLogprobs = OptionalInt.of(alternatives);
        return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if one is out of range; the message names it, its value and the range
     */
    public SamplingParams build() {
        return new SamplingParams(n, temperature, topK, topP, minP, seed, stop, promptLogprobs, decoding());
    }
}
