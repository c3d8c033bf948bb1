package io.jllm.load;

import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.json.ConfigJson;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BiFunction;

/**
 * The sampling settings that come with a model. What its files do not say is neutral. They are suggestions, which a caller may never use: a
 * value that cannot be used is left out with a warning, and the others count.
 */
final class SamplingDefaults {
    private static final System.Logger LOG = System.getLogger("io.jllm");
    private static final String GGUF_KEYS = "general.sampling.";

    private SamplingParamsBuilder good = SamplingParams.builder();

    private SamplingDefaults() {
    }

    /**
     * Those of a {@code generation_config.json}: temperature, top_k, top_p, min_p and repetition_penalty; greedy if do_sample is
     * there and false.
     */
    static SamplingParams of(ConfigJson json) {
        var out = new SamplingDefaults();
        out.set(json, "repetition_penalty", SamplingParamsBuilder::repetitionPenalty);
        if (isFalse(json, "do_sample")) {
            return out.good.temperature(0).build();
        }
        out.set(json, "temperature", SamplingParamsBuilder::temperature);
        out.set(json, "top_k", SamplingDefaults::topK);
        out.set(json, "top_p", SamplingParamsBuilder::topP);
        out.set(json, "min_p", SamplingParamsBuilder::minP);
        return out.good.build();
    }

    /** Whether a {@code config.json} has such settings, as folders had them before there was a file for them: then it says do_sample. */
    static boolean samples(ConfigJson json) {
        return json.value("do_sample").filter(v -> v instanceof JsonPrimitive p && p.isBoolean() && p.getAsBoolean()).isPresent();
    }

    /** Those of the keys {@code general.sampling.*} of a GGUF file: numbers, or texts of numbers. */
    static SamplingParams of(String where, GgufMetadata metadata) {
        var out = new SamplingDefaults();
        out.set(where, metadata, "temp", SamplingParamsBuilder::temperature);
        out.set(where, metadata, "top_k", SamplingDefaults::topK);
        out.set(where, metadata, "top_p", SamplingParamsBuilder::topP);
        out.set(where, metadata, "min_p", SamplingParamsBuilder::minP);
        out.set(where, metadata, "penalty_repeat", SamplingParamsBuilder::repetitionPenalty);
        return out.good.build();
    }

    /** 0 and -1 are both in use for "all tokens". */
    private static SamplingParamsBuilder topK(SamplingParamsBuilder b, double k) {
        if (k != Math.rint(k)) {
            throw new IllegalArgumentException("top_k must be a whole number, was " + k);
        }
        return b.topK((int) Math.clamp(k, 0.0, Integer.MAX_VALUE));
    }

    private static boolean isFalse(ConfigJson json, String key) {
        Optional<JsonElement> value = json.value(key);
        boolean bool = value.filter(v -> v instanceof JsonPrimitive p && p.isBoolean()).isPresent();
        if (value.isPresent() && !bool) {
            ignored(json.name(key), value.get().toString(), "it must be true or false");
        }
        return bool && !value.get().getAsBoolean();
    }

    private void set(ConfigJson json, String key, BiFunction<SamplingParamsBuilder, Double, SamplingParamsBuilder> setter) {
        json.value(key).ifPresent(v -> set(json.name(key), v.toString(), v instanceof JsonPrimitive p && p.isNumber()
                ? number(p.getAsString()) : OptionalDouble.empty(), setter));
    }

    private void set(String where, GgufMetadata metadata, String key,
                     BiFunction<SamplingParamsBuilder, Double, SamplingParamsBuilder> setter) {
        GgufValue value = metadata.entries().get(GGUF_KEYS + key);
        if (value == null) {
            return;
        }
        var name = where + ": " + GGUF_KEYS + key;
        switch (value) {
            case GgufValue.Real r -> set(name, Double.toString(r.value()), OptionalDouble.of(r.value()), setter);
            case GgufValue.Int i -> set(name, Long.toString(i.value()), OptionalDouble.of(i.value()), setter);
            case GgufValue.Text t -> set(name, "\"" + t.value() + "\"", number(t.value().strip()), setter);
            default -> set(name, value.toString(), OptionalDouble.empty(), setter);
        }
    }

    private void set(String name, String text, OptionalDouble value, BiFunction<SamplingParamsBuilder, Double, SamplingParamsBuilder> setter) {
        if (value.isEmpty()) {
            ignored(name, text, "it must be a number");
            return;
        }
        try {
            good = setter.apply(good.build().toBuilder(), value.getAsDouble()).build().toBuilder();
        } catch (IllegalArgumentException e) {
            ignored(name, text, e.getMessage());
        }
    }

    private static OptionalDouble number(String text) {
        try {
            return OptionalDouble.of(Double.parseDouble(text));
        } catch (NumberFormatException _) {
            return OptionalDouble.empty();
        }
    }

    private static void ignored(String name, String value, String why) {
        LOG.log(System.Logger.Level.WARNING, name + " is " + value + " and is ignored: " + why);
    }
}
