package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.quant.safetensors.ScaleBlock;
import java.util.List;
import java.util.Optional;

/**
 * What a {@code config.json} says of quantised weights. Floats of 8 bits with scales can be read: weights become their products, and activations
 * are not rounded, whatever it says of them. Sources: {@code FineGrainedFP8Config} and {@code FbgemmFp8Config} of the transformers library;
 * {@code QuantizationConfig} of compressed-tensors.
 */
final class HuggingFaceQuantization {
    private static final String CONFIG = "quantization_config";
    private static final String METHOD = "quant_method";
    private static final String FLOATS = "float-quantized";
    private static final long USUAL_BLOCK = 128;
    private static final long MAX_BLOCK = 1 << 20;

    private HuggingFaceQuantization() {
    }

    /**
     * Refuses what cannot be read.
     *
     * @throws ModelLoadException which names the method, and what can
     */
    static void check(ConfigJson json) {
        json.object(CONFIG).ifPresent(q -> {
            switch (method(q)) {
                case "fp8", "fbgemm_fp8" -> block(json);
                case "compressed-tensors" -> checkCompressed(q);
                case String other -> throw new ModelLoadException(json.name(CONFIG) + " says \"" + other
                        + "\": such quantised Hugging Face checkpoints cannot be loaded yet; fp8, fbgemm_fp8 and compressed-tensors of format "
                        + FLOATS + " can. Use the unquantised model, or a GGUF file of it");
            }
        });
    }

    /** Rows and columns that share a scale of {@code weight_scale_inv}; empty if nothing is said of them. */
    static Optional<ScaleBlock> block(ConfigJson json) {
        return json.object(CONFIG).flatMap(q -> switch (method(q)) {
            case "fp8" -> q.mentions("weight_block_size") ? block(q, "weight_block_size") : Optional.of(new ScaleBlock(USUAL_BLOCK, USUAL_BLOCK));
            case "compressed-tensors" -> weights(q).stream().flatMap(w -> block(w, "block_structure").stream()).findFirst();
            default -> Optional.empty();
        });
    }

    private static String method(ConfigJson config) {
        return config.text(METHOD).orElse("unknown");
    }

    private static Optional<ScaleBlock> block(ConfigJson config, String key) {
        if (!config.has(key)) {
            return Optional.empty();
        }
        List<Long> sides = config.integers(key);
        if (sides.size() != 2 || sides.stream().anyMatch(n -> n < 1 || n > MAX_BLOCK)) {
            throw new ModelLoadException(config.name(key) + " is " + sides + "; it must be two numbers from 1 to " + MAX_BLOCK);
        }
        return Optional.of(new ScaleBlock(sides.get(0), sides.get(1)));
    }

    /** What each group of modules has for its weights. */
    private static List<ConfigJson> weights(ConfigJson config) {
        return config.object("config_groups").map(groups -> groups.objectKeys().stream()
                .flatMap(key -> groups.object(key).flatMap(g -> g.object("weights")).stream()).toList()).orElse(List.of());
    }

    private static void checkCompressed(ConfigJson config) {
        only(config, "format", FLOATS);
        only(config, "quantization_status", "compressed");
        config.object("sparsity_config").ifPresent(sparsity -> only(sparsity, "format", "dense"));
        config.object("transform_config").filter(t -> t.object("config_groups").filter(g -> !g.json().isEmpty()).isPresent()).ifPresent(t -> {
            throw new ModelLoadException(t.name("config_groups") + " names transforms of activations, which are not computed");
        });
        var weights = weights(config);
        weights.forEach(w -> {
            only(w, "type", "float");
            long bits = w.integer("num_bits").orElse(8L);
            if (bits != 8) {
                throw new ModelLoadException(w.name("num_bits") + " is " + bits + "; supported is 8");
            }
            if (!w.bool("symmetric").orElse(true)) {
                throw new ModelLoadException(w.name("symmetric") + " is false; supported is true");
            }
        });
        if (weights.stream().map(w -> block(w, "block_structure")).distinct().count() > 1) {
            throw new ModelLoadException(config.name("config_groups") + " differ in block_structure; supported is the same in all");
        }
    }

    private static void only(ConfigJson config, String key, String supported) {
        config.text(key).filter(value -> !value.equals(supported)).ifPresent(value -> {
            throw new ModelLoadException(config.name(key) + " is \"" + value + "\"; supported is \"" + supported + "\"");
        });
    }
}
