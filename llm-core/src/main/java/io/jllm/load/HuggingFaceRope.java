package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.Key;
import io.jllm.model.Limits;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

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
    private static final String ORIGINAL = "original_max_position_embeddings";
    private static final double UNSAID_BETA_FAST = 32;
    private static final double UNSAID_BETA_SLOW = 1;

    static HuggingFaceRope of(ConfigJson json, Rotary rotary) {
        var all = parameters(json).or(() -> rotary.unsaidParameters().map(text -> ConfigJson.parse(json.name("rope_parameters"), text)));
        var kinds = all.map(ConfigJson::objectKeys).filter(keys -> !keys.isEmpty());
        if (kinds.isPresent() && rotary.layers().isEmpty()) {
            throw new ModelLoadException(json.name("rope_parameters") + " differ between kinds of layers ("
                    + String.join(", ", kinds.get()) + "), which this family does not support");
        }
        var parameters = kinds.isPresent() ? all.flatMap(a -> a.object(rotary.layers().get())) : all;
        int dims = dims(json, parameters, rotary);
        double theta = Limits.positive(json.name(rotary.base().huggingFace().getFirst()), theta(json, parameters, kinds.isPresent(), rotary));
        var alpha = parameters.filter(p -> "dynamic".equals(type(p))).flatMap(HuggingFaceRope::alpha);
        if (alpha.isPresent()) {
            return new HuggingFaceRope(theta * Math.pow(alpha.get(), dims / (dims - 2.0)), dims, new RopeScaling.None());
        }
        var scaling = parameters.filter(_ -> rotary.scaled() || kinds.isPresent()).map(p -> scaling(p, json, dims, rotary.context()))
                .orElse(new RopeScaling.None());
        if (!rotary.scaled() && !(scaling instanceof RopeScaling.None)) {
            throw new ModelLoadException(parameters.get().name(typeKey(parameters.get())) + " is \"" + type(parameters.get())
                    + "\"; for these layers this family supports only default");
        }
        return new HuggingFaceRope(theta, dims, scaling);
    }

    /** transformers 4 wrote rope_scaling, which wins there and in 5 unless it is empty; transformers 5 writes rope_parameters. */
    static Optional<ConfigJson> parameters(ConfigJson json) {
        return json.object("rope_scaling").filter(r -> !r.json().isEmpty())
                .or(() -> json.object("rope_parameters").filter(r -> !r.json().isEmpty()));
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

    private static String typeKey(ConfigJson rope) {
        var names = Key.ROPE_SCALING.huggingFace();
        return names.stream().filter(rope::has).findFirst().orElse(names.getFirst());
    }

    private static String type(ConfigJson rope) {
        return rope.text(typeKey(rope)).orElse("default");
    }

    private static RopeScaling scaling(ConfigJson rope, ConfigJson json, int dims, int context) {
        return switch (type(rope)) {
            case "default" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(factor(rope));
            case "dynamic" -> new RopeScaling.Dynamic(factor(rope), context);
            case "llama3" -> {
                double low = positive(rope, "low_freq_factor");
                double high = positive(rope, "high_freq_factor");
                if (!(high > low)) {
                    throw new ModelLoadException(rope.name("high_freq_factor") + " is " + high
                            + "; it must be above low_freq_factor, " + low);
                }
                yield new RopeScaling.Llama3(factor(rope), low, high, original(rope, json, context));
            }
            case "yarn" -> rope.has("short_factor") ? longRope(rope, json, dims, context) : yarn(rope, json, context);
            case "longrope", "su" -> longRope(rope, json, dims, context); // as the first Phi-3 called it
            case String other -> throw new ModelLoadException(rope.name(typeKey(rope)) + " is \"" + other
                    + "\"; supported are default, linear, dynamic, yarn, longrope and llama3");
        };
    }

    private static RopeScaling yarn(ConfigJson rope, ConfigJson json, int context) {
        int original = original(rope, json, context);
        double factor = rope.has("factor") ? factor(rope) : (double) context / original;
        double m = rope.real("mscale").orElse(0.0);
        double mAll = rope.real("mscale_all_dim").orElse(0.0);
        double unsaid = m != 0 && mAll != 0 ? RopeScaling.Yarn.magnitude(factor, m) / RopeScaling.Yarn.magnitude(factor, mAll)
                : RopeScaling.Yarn.magnitude(factor, 1);
        return new RopeScaling.Yarn(factor, original, unlessZero(rope, "beta_fast").orElse(UNSAID_BETA_FAST),
                unlessZero(rope, "beta_slow").orElse(UNSAID_BETA_SLOW), rope.bool("truncate").orElse(true),
                magnitude(rope, "attention_factor").orElse(unsaid));
    }

    private static RopeScaling longRope(ConfigJson rope, ConfigJson json, int dims, int context) {
        int original = original(rope, json, context);
        double factor = rope.has("factor") ? factor(rope) : (double) context / original;
        double unsaid = magnitude(rope, "attention_factor").orElse(RopeScaling.LongRope.magnitude(factor, original));
        // these two names are PhiMoE's
        return new RopeScaling.LongRope(factors(rope, "short_factor", dims), factors(rope, "long_factor", dims), original,
                magnitude(rope, "short_mscale").orElse(unsaid), magnitude(rope, "long_mscale").orElse(unsaid));
    }

    private static List<Float> factors(ConfigJson rope, String key, int dims) {
        var values = rope.reals(key);
        if (values.size() != dims / 2) {
            throw new ModelLoadException(rope.name(key) + (rope.has(key) ? " has " + values.size() + " values; it must have " + dims / 2
                    + ", one for each pair of dimensions that is turned" : " is missing"));
        }
        var out = new ArrayList<Float>();
        for (double v : values) {
            out.add((float) Limits.positive(rope.name(key), v));
        }
        return out;
    }

    private static int original(ConfigJson rope, ConfigJson json, int context) {
        return json.has(ORIGINAL) ? json.integer(ORIGINAL, 1, Limits.CONTEXT)
                : rope.has(ORIGINAL) ? rope.integer(ORIGINAL, 1, Limits.CONTEXT) : context;
    }

    /** Of a base that is fixed for long texts (Hunyuan): what {@code factor} would become in them. */
    private static Optional<Double> alpha(ConfigJson rope) {
        var alpha = unlessZero(rope, "alpha");
        return alpha.isPresent() ? Optional.of(alpha.getAsDouble()) : Optional.empty();
    }

    private static OptionalDouble unlessZero(ConfigJson rope, String key) {
        double value = rope.real(key).orElse(0.0);
        return value == 0 ? OptionalDouble.empty() : OptionalDouble.of(Limits.positive(rope.name(key), value));
    }

    private static OptionalDouble magnitude(ConfigJson rope, String key) {
        return rope.has(key) ? OptionalDouble.of(positive(rope, key)) : OptionalDouble.empty();
    }

    private static double factor(ConfigJson rope) {
        return positive(rope, Key.ROPE_FACTOR.huggingFace().getFirst());
    }

    private static double positive(ConfigJson json, String key) {
        return Limits.positive(json.name(key), json.real(key)
                .orElseThrow(() -> new ModelLoadException(json.name(key) + " is missing")));
    }

    Rope rope(Rotary rotary) {
        return scaling.rope(dims, theta, rotary.checkpoint(), rotary.attentionFactor());
    }
}
