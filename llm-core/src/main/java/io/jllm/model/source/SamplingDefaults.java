package io.jllm.model.source;

import io.jllm.ModelLoadException;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.quant.gguf.GgufMetadata;
import java.util.OptionalDouble;

/** The sampling settings that come with a model. What its files do not say is neutral. */
public final class SamplingDefaults {
    private SamplingDefaults() {
    }

    /**
     * Those of a {@code generation_config.json}: temperature, top_k, top_p, min_p and repetition_penalty; greedy if do_sample is
     * there and false.
     *
     * @throws ModelLoadException if a value is out of range
     */
    public static SamplingParams of(ConfigJson json) {
        var b = SamplingParams.builder();
        json.real("repetition_penalty").ifPresent(b::repetitionPenalty);
        if (!json.bool("do_sample").orElse(true)) {
            return build(b.temperature(0), json.name("sampling settings"));
        }
        json.real("temperature").ifPresent(b::temperature);
        // 0 and -1 are both in use for "all tokens"
        json.integer("top_k").ifPresent(k -> b.topK(Math.clamp(k, 0, Integer.MAX_VALUE)));
        json.real("top_p").ifPresent(b::topP);
        json.real("min_p").ifPresent(b::minP);
        return build(b, json.name("sampling settings"));
    }

    /**
     * Those of the keys {@code general.sampling.*} of a GGUF file.
     *
     * @throws ModelLoadException if a value is out of range
     */
    public static SamplingParams of(String where, GgufMetadata metadata) {
        var b = SamplingParams.builder();
        real(metadata, "temp").ifPresent(b::temperature);
        metadata.integer("general.sampling.top_k").ifPresent(k -> b.topK(Math.clamp(k, 0, Integer.MAX_VALUE)));
        real(metadata, "top_p").ifPresent(b::topP);
        real(metadata, "min_p").ifPresent(b::minP);
        real(metadata, "penalty_repeat").ifPresent(b::repetitionPenalty);
        return build(b, where + ": general.sampling");
    }

    private static OptionalDouble real(GgufMetadata metadata, String key) {
        return metadata.real("general.sampling." + key);
    }

    private static SamplingParams build(SamplingParamsBuilder b, String where) {
        try {
            return b.build();
        } catch (IllegalArgumentException e) {
            throw new ModelLoadException(where + ": " + e.getMessage(), e);
        }
    }
}
