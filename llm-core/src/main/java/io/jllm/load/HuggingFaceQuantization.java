package io.jllm.load;

import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.quant.safetensors.PackedForm;
import io.jllm.quant.safetensors.ScaleBlock;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a {@code config.json} says of quantised weights, or, in older folders, a file beside it. Weights have the values that the checkpoint stands
 * for; activations are not rounded, whatever it says of them, but with LLM.int8(), whose threshold is read. What tensors say of themselves is not
 * asked for here. Sources: {@code FineGrainedFP8Config}, {@code FbgemmFp8Config}, {@code GPTQConfig}, {@code AwqConfig},
 * {@code BitsAndBytesConfig} and {@code TorchAoConfig} of the transformers library; {@code QuantizationConfig} of compressed-tensors; GPTQModel,
 * AutoAWQ and ModelOpt.
 */
final class HuggingFaceQuantization {
    private static final String CONFIG = "quantization_config";
    private static final String METHOD = "quant_method";
    /** Floats of 4 bits. */
    private static final List<String> SMALL = List.of("nvfp4-pack-quantized", "mxfp4-pack-quantized");
    private static final List<String> COMPRESSED = Stream.concat(Stream.of("float-quantized", "pack-quantized", "int-quantized"), SMALL.stream()).toList();
    /** Each group of modules has a format of its own. */
    private static final String MIXED = "mixed-precision";
    /** Where older folders say it, and what of. */
    private static final List<Map.Entry<String, String>> OWN_FILES = List.of(Map.entry("quantize_config.json", "gptq"),
            Map.entry("quant_config.json", "awq"));
    private static final List<String> TORCHAO = List.of("Float8WeightOnlyConfig", "IntxWeightOnlyConfig");
    private static final List<String> MODELOPT = List.of("FP8", "NVFP4", "W4A16_NVFP4");
    /** Where ModelOpt says it in older folders, and under which key. */
    private static final String MODELOPT_FILE = "hf_quant_config.json";
    private static final String MODELOPT_KEY = "quantization";
    private static final String USE = ": use the unquantised model, or a GGUF file of it";
    private static final long USUAL_BLOCK = 128;
    private static final double USUAL_THRESHOLD = 6;
    /** Activations are halves there. */
    private static final double MOST_THRESHOLD = 65504;
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
                case "gptq", "awq", "bitsandbytes" -> form(json);
                case "torchao" -> checkTorchAo(q);
                case "modelopt" -> oneOf(q, "quant_algo", MODELOPT);
                case String other -> throw new ModelLoadException(json.name(CONFIG) + " says \"" + other
                        + "\": such quantised Hugging Face checkpoints cannot be loaded yet; fp8, fbgemm_fp8, gptq, awq, bitsandbytes, torchao, modelopt"
                        + " and compressed-tensors can" + USE);
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

    /** The configuration, with what a file beside it says of quantisation, if it says nothing itself. */
    static ConfigJson withOwnFile(ConfigJson json, Path folder) {
        if (json.has(CONFIG)) {
            return json;
        }
        for (var file : OWN_FILES) {
            Optional<ConfigJson> own = ConfigJson.read(folder.resolve(file.getKey()));
            if (own.isPresent()) {
                return with(json, own.get(), file.getValue());
            }
        }
        return ConfigJson.read(folder.resolve(MODELOPT_FILE)).flatMap(own -> own.object(MODELOPT_KEY)).map(own -> with(json, own, "modelopt"))
                .orElse(json);
    }

    private static ConfigJson with(ConfigJson json, ConfigJson own, String method) {
        return json.with(CONFIG, (own.has(METHOD) ? own : own.with(METHOD, new JsonPrimitive(method))).json());
    }

    /**
     * How whole numbers of GPTQ, AWQ and bitsandbytes are packed; empty for other methods.
     *
     * @throws ModelLoadException which names what cannot be read
     */
    static Optional<PackedForm> form(ConfigJson json) {
        return json.object(CONFIG).flatMap(q -> switch (method(q)) {
            case "gptq" -> Optional.of(gptq(q));
            case "awq" -> Optional.of(awq(q));
            case "bitsandbytes" -> Optional.of(new PackedForm.BitsAndBytes(threshold(q)));
            default -> Optional.empty();
        });
    }

    private static PackedForm gptq(ConfigJson q) {
        bits(q, List.of(2L, 3L, 4L, 8L));
        if (q.bool("is_marlin_format").orElse(false)) {
            throw new ModelLoadException(q.name("is_marlin_format") + " is true: weights in the order of a GPU's kernels cannot be read" + USE);
        }
        oneOf(q, "pack_dtype", List.of("int32"));
        String key = q.has("checkpoint_format") ? "checkpoint_format" : "format";
        oneOf(q, key, List.of("gptq", "gptq_v2"));
        return new PackedForm.Gptq(!q.text(key).orElse("gptq").equals("gptq_v2"), groupSize(q));
    }

    private static PackedForm awq(ConfigJson q) {
        bits(q, List.of(4L));
        oneOf(q, "pack_dtype", List.of("int32"));
        String version = q.text("version").orElse("gemm").toLowerCase(Locale.ROOT);
        if (!List.of("gemm", "gemv").contains(version)) {
            throw new ModelLoadException(q.name("version") + " is \"" + version + "\"; supported are \"gemm\" and \"gemv\"" + USE);
        }
        return new PackedForm.Awq(version.equals("gemv"), groupSize(q));
    }

    private static float threshold(ConfigJson q) {
        double threshold = q.real("llm_int8_threshold").orElse(USUAL_THRESHOLD);
        if (!(threshold >= 0 && threshold <= MOST_THRESHOLD)) {
            throw new ModelLoadException(q.name("llm_int8_threshold") + " is " + threshold + "; it must be from 0, for no outliers, to "
                    + MOST_THRESHOLD);
        }
        return (float) threshold;
    }

    private static void bits(ConfigJson q, List<Long> supported) {
        String key = q.has("w_bit") ? "w_bit" : "bits";
        bits(q, key, q.integer(key).orElse(4L), supported);
    }

    private static void bits(ConfigJson q, String key, long bits, List<Long> supported) {
        if (!supported.contains(bits)) {
            throw new ModelLoadException(q.name(key) + " is " + bits + "; supported are " + supported + USE);
        }
    }

    private static long groupSize(ConfigJson q) {
        String key = q.has("q_group_size") ? "q_group_size" : "group_size";
        long size = q.integer(key).orElse(USUAL_BLOCK);
        if (size != PackedForm.ALL && (size < 1 || size > MAX_BLOCK)) {
            throw new ModelLoadException(q.name(key) + " is " + size + "; it must be -1, for all columns, or from 1 to " + MAX_BLOCK);
        }
        return size;
    }

    private static void checkTorchAo(ConfigJson q) {
        ConfigJson how = q.object("quant_type").flatMap(t -> t.object("default")).orElseThrow(() -> new ModelLoadException(q.name("quant_type")
                + " has no object \"default\" as newer torchao writes it; supported are " + TORCHAO + USE));
        String type = how.text("_type").orElse("unknown");
        if (!TORCHAO.contains(type)) {
            throw new ModelLoadException(how.name("_type") + " is \"" + type + "\"; supported are " + TORCHAO + USE);
        }
        how.object("_data").flatMap(d -> d.object("intx_packing_format")).ifPresent(p -> oneOf(p, "_data", List.of("UNPACKED_TO_INT8")));
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

    private static List<ConfigJson> groups(ConfigJson config) {
        return config.object("config_groups").map(groups -> groups.objectKeys().stream().flatMap(key -> groups.object(key).stream()).toList())
                .orElse(List.of());
    }

    /** What each group of modules has for its weights. */
    private static List<ConfigJson> weights(ConfigJson config) {
        return groups(config).stream().flatMap(g -> g.object("weights").stream()).toList();
    }

    private static void checkCompressed(ConfigJson config) {
        oneOf(config, "format", Stream.concat(COMPRESSED.stream(), Stream.of(MIXED)).toList());
        only(config, "quantization_status", "compressed");
        config.object("sparsity_config").ifPresent(sparsity -> only(sparsity, "format", "dense"));
        config.object("transform_config").filter(t -> t.object("config_groups").filter(g -> !g.json().isEmpty()).isPresent()).ifPresent(t -> {
            throw new ModelLoadException(t.name("config_groups") + " names transforms of activations, which are not computed");
        });
        groups(config).forEach(g -> {
            oneOf(g, "format", COMPRESSED);
            String format = g.text("format").or(() -> config.text("format")).orElse("");
            g.object("weights").ifPresent(w -> checkWeights(w, SMALL.contains(format)));
        });
        if (weights(config).stream().map(w -> block(w, "block_structure")).distinct().count() > 1) {
            throw new ModelLoadException(config.name("config_groups") + " differ in block_structure; supported is the same in all");
        }
    }

    private static void checkWeights(ConfigJson w, boolean small) {
        oneOf(w, "type", List.of("float", "int"));
        boolean floats = w.text("type").orElse("int").equals("float");
        List<Long> supported = small ? List.of(4L) : floats ? List.of(8L) : List.of(8L, 4L);
        bits(w, "num_bits", w.integer("num_bits").orElse(supported.getFirst()), supported);
        if (floats && !w.bool("symmetric").orElse(true)) {
            throw new ModelLoadException(w.name("symmetric") + " is false; supported is true");
        }
    }

    private static void only(ConfigJson config, String key, String supported) {
        oneOf(config, key, List.of(supported));
    }

    private static void oneOf(ConfigJson config, String key, List<String> supported) {
        config.text(key).filter(value -> !supported.contains(value)).ifPresent(value -> {
            throw new ModelLoadException(config.name(key) + " is \"" + value + "\"; supported is "
                    + supported.stream().map(s -> "\"" + s + "\"").collect(Collectors.joining(" or ")) + USE);
        });
    }
}
