package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.json.Limits;
import io.jllm.model.Architecture;
import io.jllm.model.ConfigDefaults;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.arch.Families;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * A Hugging Face {@code config.json}, as transformers 4 and 5 write it. What it leaves unsaid is what the configuration classes
 * of transformers assume.
 *
 * @param architecture the family
 * @param model its numbers; whether embeddings are tied and which biases there are is what the file claims
 * @param ropeTheta base of the rotary frequencies
 * @param scaling how they are stretched
 */
public record HuggingFaceConfig(Architecture architecture, ModelConfig model, double ropeTheta, RopeScaling scaling) {
    /**
     * Reads the {@code config.json} of a folder.
     *
     * @throws ModelLoadException if it is missing or broken, or something in it is missing, out of range or not supported
     */
    public static HuggingFaceConfig read(Path folder) {
        return of(ConfigJson.read(folder.resolve("config.json")).orElseThrow(() -> FolderContents.noConfig(folder)));
    }

    /**
     * Reads a parsed {@code config.json}.
     *
     * @throws ModelLoadException if something is missing, out of range or not supported; the message names key, value and limit
     */
    static HuggingFaceConfig of(ConfigJson json) {
        var family = json.text("model_type").orElseThrow(() -> new ModelLoadException(
                json.name("model_type") + " is missing: it names the model family"));
        var architecture = architecture(json, family);
        json.object("quantization_config").ifPresent(q -> {
            throw new ModelLoadException(json.name("quantization_config") + " says \"" + q.text("quant_method").orElse("unknown")
                    + "\": quantised Hugging Face checkpoints cannot be loaded yet. Use the unquantised model, or a GGUF file of it");
        });
        var act = json.text("hidden_act").orElse("silu");
        if (!act.equals("silu") && !act.equals("swish")) {
            throw new ModelLoadException(json.name("hidden_act") + " is \"" + act + "\"; supported is silu");
        }
        var unsaid = architecture.defaults();
        int layers = size(json, "num_hidden_layers", unsaid.layers(), Limits.LAYERS);
        int hidden = size(json, "hidden_size", unsaid.hidden(), Limits.WIDTH);
        int ffn = size(json, "intermediate_size", unsaid.ffn(), Limits.WIDTH);
        int heads = size(json, "num_attention_heads", unsaid.heads(), Limits.HEADS);
        int kvHeads = kvHeads(json, unsaid, heads);
        int headDim = headDim(json, unsaid, hidden, heads);
        Limits.attention(json.name("num_attention_heads"), heads, "num_key_value_heads", kvHeads, json.name("head_dim"), headDim);
        int vocab = size(json, "vocab_size", unsaid.vocab(), Limits.VOCAB);
        int context = Limits.context(json.name("max_position_embeddings"), json.integer("max_position_embeddings"), unsaid.context());
        double eps = Limits.notNegative(json.name("rms_norm_eps"), json.real("rms_norm_eps").orElse(1e-6));

        var ropeJson = ropeParameters(json);
        double theta = Limits.positive(json.name("rope_theta"), ropeJson.flatMap(r -> r.real("rope_theta"))
                .or(() -> json.real("rope_theta")).orElse(10_000.0));
        var scaling = ropeJson.map(r -> scaling(r, json, context)).orElse(new RopeScaling.None());
        var frequencies = scaling.apply(RopeScaling.frequencies(headDim, theta));
        var model = new ModelConfig(architecture.name(), layers, hidden, ffn, heads, kvHeads, headDim, vocab, context, (float) eps,
                new Rope(headDim, Rope.Layout.NEOX, frequencies, 1), windows(json, architecture, layers),
                json.bool("tie_word_embeddings").orElse(false),
                architecture.biases(json.bool("attention_bias").orElse(false), json.bool("mlp_bias").orElse(false)));
        return new HuggingFaceConfig(architecture, model, theta, scaling);
    }

    private static Architecture architecture(ConfigJson json, String family) {
        try {
            return Families.of(family);
        } catch (ModelLoadException e) {
            throw new ModelLoadException(json.name("model_type") + ": " + e.getMessage(), e);
        }
    }

    /** A number that may be left out, but is not null. */
    private static int size(ConfigJson json, String key, int unsaid, int max) {
        return json.mentions(key) ? json.integer(key, 1, max) : unsaid;
    }

    private static int kvHeads(ConfigJson json, ConfigDefaults unsaid, int heads) {
        if (json.mentions("num_key_value_heads")) {
            return json.has("num_key_value_heads") ? json.integer("num_key_value_heads", 1, heads) : heads;
        }
        // more than there are heads cannot be meant
        return Math.min(unsaid.kvHeads().orElse(heads), heads);
    }

    private static int headDim(ConfigJson json, ConfigDefaults unsaid, int hidden, int heads) {
        if (json.has("head_dim")) {
            return json.integer("head_dim", 1, Limits.HEAD_DIM);
        }
        if (unsaid.headDim().isPresent()) {
            return unsaid.headDim().getAsInt();
        }
        if (hidden % heads != 0) {
            throw new ModelLoadException(json.name("hidden_size") + " is " + hidden + ", which num_attention_heads " + heads
                    + " does not divide, and there is no head_dim");
        }
        return Limits.check(json.name("hidden_size / num_attention_heads"), hidden / heads, 1, Limits.HEAD_DIM);
    }

    /** transformers 4 wrote rope_scaling, which wins there and in 5 unless it is empty; transformers 5 writes rope_parameters. */
    private static Optional<ConfigJson> ropeParameters(ConfigJson json) {
        var parameters = json.object("rope_scaling").filter(r -> !r.json().isEmpty()).or(() -> json.object("rope_parameters"));
        parameters.map(ConfigJson::objectKeys).filter(keys -> !keys.isEmpty()).ifPresent(keys -> {
            throw new ModelLoadException(json.name("rope_parameters") + " differ between kinds of layers (" + String.join(", ", keys)
                    + "), which this family does not support");
        });
        var partial = parameters.flatMap(p -> p.real("partial_rotary_factor")).or(() -> json.real("partial_rotary_factor"));
        if (partial.orElse(1.0) != 1) {
            throw new ModelLoadException(json.name("partial_rotary_factor") + " is " + partial.get() + "; this family supports only 1");
        }
        return parameters;
    }

    private static RopeScaling scaling(ConfigJson rope, ConfigJson json, int context) {
        var type = rope.text("rope_type").or(() -> rope.text("type")).orElse("default");
        return switch (type) {
            case "default" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(positive(rope, "factor"));
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
                yield new RopeScaling.Llama3(positive(rope, "factor"), low, high, original);
            }
            default -> throw new ModelLoadException(rope.name("rope_type") + " is \"" + type
                    + "\"; supported are default, linear and llama3");
        };
    }

    private static List<Integer> windows(ConfigJson json, Architecture architecture, int layers) {
        return switch (architecture.windowRule()) {
            case NONE -> Collections.nCopies(layers, 0);
            case ALL -> Collections.nCopies(layers, json.mentions("sliding_window") ? window(json) : 4096);
            case CHOSEN -> json.bool("use_sliding_window").orElse(false) ? chosenWindows(json, layers) : Collections.nCopies(layers, 0);
        };
    }

    private static List<Integer> chosenWindows(ConfigJson json, int layers) {
        int window = json.mentions("sliding_window") ? window(json) : 4096;
        var types = json.texts("layer_types");
        if (!types.isEmpty() && types.size() != layers) {
            throw new ModelLoadException(json.name("layer_types") + " has " + types.size() + " entries; num_hidden_layers is " + layers);
        }
        long from = json.integer("max_window_layers").orElse(28L);
        var out = new ArrayList<Integer>();
        for (int l = 0; l < layers; l++) {
            var type = !types.isEmpty() ? types.get(l) : l >= from ? "sliding_attention" : "full_attention";
            out.add(switch (type) {
                case "sliding_attention" -> window;
                case "full_attention" -> 0;
                default -> throw new ModelLoadException(json.name("layer_types") + " has \"" + type
                        + "\"; supported are full_attention and sliding_attention");
            });
        }
        return out;
    }

    private static int window(ConfigJson json) {
        return json.has("sliding_window") ? json.integer("sliding_window", 1, Integer.MAX_VALUE) : 0;
    }

    private static double positive(ConfigJson json, String key) {
        return Limits.positive(json.name(key), json.real(key)
                .orElseThrow(() -> new ModelLoadException(json.name(key) + " is missing")));
    }
}
