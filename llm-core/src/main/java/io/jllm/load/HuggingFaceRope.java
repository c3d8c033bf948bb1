package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.Key;
import io.jllm.model.Limits;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import java.util.List;
import java.util.Optional;

/**
 * What a {@code config.json} says of a rotary embedding. Source: {@code modeling_rope_utils.py} of the transformers library.
 *
 * @param theta base of the frequencies
 * @param dims dimensions of a head that are turned
 * @param scaling how the frequencies are stretched
 */
record HuggingFaceRope(double theta, int dims, RopeScaling scaling) {
    /** The usual name, GPT-NeoX's and the first StableLM's. */
    private static final List<String> PARTIAL = List.of("partial_rotary_factor", "rotary_pct", "rope_pct");

    static HuggingFaceRope of(ConfigJson json, Rotary rotary) {
        var all = parameters(json);
        var kinds = all.map(ConfigJson::objectKeys).filter(keys -> !keys.isEmpty());
        if (kinds.isPresent() && rotary.layers().isEmpty()) {
            throw new ModelLoadException(json.name("rope_parameters") + " differ between kinds of layers ("
                    + String.join(", ", kinds.get()) + "), which this family does not support");
        }
        var parameters = kinds.isPresent() ? all.flatMap(a -> a.object(rotary.layers().get())) : all;
        int dims = dims(json, parameters, rotary);
        double theta = Limits.positive(json.name(rotary.base().huggingFace().getFirst()), theta(json, parameters, kinds.isPresent(), rotary));
        var scaling = parameters.filter(_ -> rotary.scaled()).map(p -> scaling(p, json, rotary.context())).orElse(new RopeScaling.None());
        return new HuggingFaceRope(theta, dims, scaling);
    }

    /** transformers 4 wrote rope_scaling, which wins there and in 5 unless it is empty; transformers 5 writes rope_parameters. */
    private static Optional<ConfigJson> parameters(ConfigJson json) {
        return json.object("rope_scaling").filter(r -> !r.json().isEmpty()).or(() -> json.object("rope_parameters"));
    }

    /** In the entry of a kind of layers the base always has its usual name. */
    private static double theta(ConfigJson json, Optional<ConfigJson> parameters, boolean ofKind, Rotary rotary) {
        var own = rotary.base().huggingFace();
        var inside = parameters.flatMap(p -> first(p, ofKind ? Key.ROPE_BASE.huggingFace() : own));
        return inside.or(() -> first(json, own)).orElse(rotary.unsaidBase());
    }

    private static Optional<Double> first(ConfigJson json, List<String> names) {
        return names.stream().flatMap(name -> json.real(name).stream()).findFirst();
    }

    private static int dims(ConfigJson json, Optional<ConfigJson> parameters, Rotary rotary) {
        var whole = rotary.dims().huggingFace().stream().filter(json::has).findFirst();
        if (whole.isPresent()) {
            int dims = rotary.dims().atMost(rotary.headDim()).check(json.name(whole.get()), json.integer(whole.get()).orElseThrow());
            if (dims % 2 != 0) {
                throw new ModelLoadException(json.name(whole.get()) + " is " + dims + "; it must be even");
            }
            return dims;
        }
        double part = parameters.flatMap(p -> first(p, PARTIAL)).or(() -> first(json, PARTIAL)).orElse(rotary.unsaidPart().orElse(1));
        if (part == 1) {
            return rotary.headDim();
        }
        var name = json.name(PARTIAL.stream().filter(json::has).findFirst().orElse(PARTIAL.getFirst()));
        if (rotary.unsaidPart().isEmpty()) {
            throw new ModelLoadException(name + " is " + part + "; this family supports only 1");
        }
        int dims = (int) (rotary.headDim() * part);
        if (!(part > 0 && part < 1) || dims < 2 || dims % 2 != 0) {
            throw new ModelLoadException(name + " is " + part + ", which leaves " + dims + " of the " + rotary.headDim()
                    + " dimensions of a head to be turned; it must leave an even number from 2 to " + rotary.headDim());
        }
        return dims;
    }

    private static RopeScaling scaling(ConfigJson rope, ConfigJson json, int context) {
        var names = Key.ROPE_SCALING.huggingFace();
        var type = names.stream().flatMap(name -> rope.text(name).stream()).findFirst().orElse("default");
        return switch (type) {
            case "default" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(factor(rope));
            // stretches nothing up to the context that the model was trained for, and texts are never longer
            case "dynamic" -> new RopeScaling.None();
            case "llama3" -> {
                double low = positive(rope, "low_freq_factor");
                double high = positive(rope, "high_freq_factor");
                if (!(high > low)) {
                    throw new ModelLoadException(rope.name("high_freq_factor") + " is " + high
                            + "; it must be above low_freq_factor, " + low);
                }
                var key = "original_max_position_embeddings";
                int original = json.has(key) ? json.integer(key, 1, Limits.CONTEXT)
                        : rope.has(key) ? rope.integer(key, 1, Limits.CONTEXT) : context;
                yield new RopeScaling.Llama3(factor(rope), low, high, original);
            }
            default -> throw new ModelLoadException(rope.name(names.getFirst()) + " is \"" + type
                    + "\"; supported are default, linear, dynamic and llama3");
        };
    }

    private static double factor(ConfigJson rope) {
        return positive(rope, Key.ROPE_FACTOR.huggingFace().getFirst());
    }

    private static double positive(ConfigJson json, String key) {
        return Limits.positive(json.name(key), json.real(key)
                .orElseThrow(() -> new ModelLoadException(json.name(key) + " is missing")));
    }

    float[] plainFrequencies() {
        return Rope.frequencies(dims, theta);
    }

    Rope rope(Rotary rotary) {
        return new Rope(dims, rotary.checkpoint(), scaling.apply(plainFrequencies()), rotary.attentionFactor());
    }
}
