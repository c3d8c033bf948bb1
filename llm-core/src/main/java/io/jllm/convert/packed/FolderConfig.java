package io.jllm.convert.packed;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import io.jllm.quant.safetensors.SafetensorsFile;
import io.jllm.quant.safetensors.SafetensorsWriter;
import io.jllm.quant.safetensors.StoredTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** The files of a quantised folder: tensors, configuration, and what goes with a model. Keys are those of GPTQModel and AutoAWQ. */
final class FolderConfig {
    private static final Gson JSON = new GsonBuilder().setPrettyPrinting().serializeNulls().disableHtmlEscaping().create();
    private static final String CONFIG = "config.json";
    private static final String QUANTIZATION = "quantization_config";
    private static final long SHARD_BYTES = 4L << 30;
    /** Files of tensors, and of what is said here anew. */
    private static final Pattern NOT_COPIED = Pattern.compile(".*\\.(safetensors|bin|pt|pth|gguf|h5|msgpack|onnx|ot)|.*\\.index\\.json|\\..*|"
            + "quantize_config\\.json|quant_config\\.json|config\\.json");

    private final Path folder;
    private final ConfigJson config;

    /**
     * That of a folder of floats.
     *
     * @throws ModelLoadException if it has none, or is quantised already, or holds a model of several media
     */
    FolderConfig(Path folder) {
        this.folder = folder;
        config = ConfigJson.read(folder.resolve(CONFIG)).orElseThrow(() -> new ModelLoadException("the folder " + folder + " has no " + CONFIG));
        if (config.has(QUANTIZATION)) {
            throw new ModelLoadException(config.name(QUANTIZATION) + " says that the model is quantised already: give the one of floats that it was "
                    + "made of");
        }
        if (config.has("text_config")) {
            throw new ModelLoadException(config.name("text_config") + " is there, so the model is of several media: GPTQ and AWQ are not made of "
                    + "such models here, as programs would take all of their parts for quantised");
        }
    }

    /**
     * Writes all files.
     *
     * @param to an empty folder
     * @param layers files of quantised layers, whose tensors take the places of those of the checkpoint
     */
    void write(Path to, PackMethod method, List<Path> layers, HuggingFaceWeights checkpoint) throws IOException {
        var open = new ArrayList<SafetensorsFile>();
        try {
            Map<String, List<StoredTensor>> made = new HashMap<>();
            for (Path layer : layers) {
                var file = SafetensorsFile.open(layer);
                open.add(file);
                file.tensorInfos().forEach(t -> made.computeIfAbsent(replaced(t.name()), _ -> new ArrayList<>())
                        .add(new StoredTensor(t.name(), t.type().orElseThrow(), t.shape(), file.tensors().get(t.name()).data())));
            }
            List<StoredTensor> all = checkpoint.stored().stream().flatMap(t -> made.getOrDefault(t.name(), List.of(t)).stream()).toList();
            SafetensorsWriter.writeFolder(to, all, SHARD_BYTES);
        } finally {
            open.forEach(SafetensorsFile::close);
        }
        JsonObject quantization = quantization(method);
        JsonObject json = config.json().deepCopy();
        json.add(QUANTIZATION, quantization);
        Files.writeString(to.resolve(CONFIG), JSON.toJson(json) + "\n");
        if (!(method instanceof PackMethod.Awq)) {
            Files.writeString(to.resolve("quantize_config.json"), JSON.toJson(quantization) + "\n");
        }
        try (var files = Files.list(folder)) {
            for (Path file : files.filter(f -> Files.isRegularFile(f) && !NOT_COPIED.matcher(f.getFileName().toString()).matches()).toList()) {
                Files.copy(file, to.resolve(file.getFileName().toString()));
            }
        }
    }

    /** The tensor of the checkpoint whose place one takes. */
    private static String replaced(String name) {
        int dot = name.lastIndexOf('.');
        boolean packed = Set.of("qweight", "qzeros", "scales", "g_idx").contains(name.substring(dot + 1));
        return packed ? name.substring(0, dot) + ".weight" : name;
    }

    private static JsonObject quantization(PackMethod method) {
        return switch (method) {
            case PackMethod.Nearest(PackMethod.Numbers numbers) -> gptq(numbers);
            case PackMethod.Gptq m -> {
                JsonObject json = gptq(m.numbers());
                json.addProperty("desc_act", m.actOrder());
                json.addProperty("static_groups", m.staticGroups());
                json.addProperty("true_sequential", m.sequential());
                json.addProperty("damp_percent", m.damping());
                yield json;
            }
            case PackMethod.Awq m -> {
                var json = new JsonObject();
                json.addProperty("quant_method", "awq");
                json.addProperty("bits", 4);
                json.addProperty("group_size", m.groupSize());
                json.addProperty("zero_point", true);
                json.addProperty("version", "gemm");
                json.add("modules_to_not_convert", JsonNull.INSTANCE);
                yield json;
            }
        };
    }

    private static JsonObject gptq(PackMethod.Numbers numbers) {
        var quantizers = new JsonArray();
        quantizers.add("jllm");
        var meta = new JsonObject();
        meta.add("quantizer", quantizers);
        String format = numbers.second() ? "gptq_v2" : "gptq";
        var json = new JsonObject();
        json.addProperty("quant_method", "gptq");
        json.addProperty("bits", numbers.bits());
        json.addProperty("group_size", numbers.groupSize());
        json.addProperty("desc_act", false);
        json.addProperty("sym", numbers.symmetric());
        json.addProperty("lm_head", false);
        json.addProperty("checkpoint_format", format);
        json.addProperty("format", format);
        json.addProperty("pack_dtype", "int32");
        json.add("meta", meta);
        return json;
    }
}
