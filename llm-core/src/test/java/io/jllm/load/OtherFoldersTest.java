package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.SamplingParams;
import io.jllm.convert.Converter;
import io.jllm.model.GoldenModel;
import io.jllm.model.WeightShape;
import io.jllm.quant.DType;
import io.jllm.quant.Rounded;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.spi.ReferenceBackend;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders whose weights are 8-bit floats, or in PyTorch's files. */
class OtherFoldersTest {
    private static final String FP8 = "\"quant_method\": \"fp8\", \"activation_scheme\": \"dynamic\", \"weight_block_size\": [16, 24]";
    private static final String COMPRESSED = "\"quant_method\": \"compressed-tensors\", \"format\": \"float-quantized\", \"quantization_status\": "
            + "\"compressed\", \"kv_cache_scheme\": null, \"config_groups\": {\"group_0\": {\"targets\": [\"Linear\"], \"weights\": {\"num_bits\": 8, "
            + "\"type\": \"float\", \"symmetric\": true, \"strategy\": \"channel\", \"dynamic\": false}, \"input_activations\": {\"num_bits\": 8, "
            + "\"type\": \"float\", \"dynamic\": true}}}";

    @TempDir
    private Path dir;

    private Path copy(String name, String as) throws IOException {
        return GoldenModel.unpack(name, "config.json", dir.resolve(as));
    }

    private static void configure(Path folder, String quantization) throws IOException {
        Path config = folder.resolve("config.json");
        String json = Files.readString(config).strip();
        Files.writeString(config, json.substring(0, json.length() - 1) + ", \"quantization_config\": {" + quantization + "}}");
    }

    private static float[] values(Weights w) {
        var values = new float[Math.toIntExact(w.rows() * w.cols())];
        w.decode(0, Math.toIntExact(w.rows()), values, 0);
        return values;
    }

    private static void sameModel(Path one, Path two) {
        try (var a = ModelFiles.open(one); var b = ModelFiles.open(two)) {
            assertEquals(WeightShape.of(a.program()), WeightShape.of(b.program()));
            for (var need : WeightShape.of(a.program())) {
                assertArrayEquals(values(a.weights().get(need.name())), values(b.weights().get(need.name())), need.name());
            }
            assertEquals(List.of(), new ReferenceBackend().unsupported(b.program(), b.weights()));
        }
    }

    @ParameterizedTest
    @CsvSource({"llama-tied, ''", "llama-biases, ''", "qwen3, '_x'"})
    void pytorchFiles(String family, String extra) throws IOException {
        Path usual = copy(family, "usual");
        Path other = copy(family, "other");
        var tensors = new Repacked(other);
        if (!extra.isEmpty()) { // what older checkpoints hold beside their weights
            tensors.tensors.put("model.layers.0.self_attn.rotary_emb.inv_freq", new Repacked.Raw("F32", List.of(4L), new byte[16]));
            tensors.tensors.put("model.layers.0.self_attn.bias", new Repacked.Raw("BOOL", List.of(1L, 1L, 4L, 4L), new byte[16]));
            tensors.tensors.put("model.layers.0.self_attn.masked_bias", new Repacked.Raw("F32", List.of(), new byte[4]));
            tensors.tensors.put("vision_tower.patch_embed.proj.weight", new Repacked.Raw("F32", List.of(2L, 3L), new byte[24]));
        }
        tensors.pytorch(other.resolve("pytorch_model.bin"));
        Files.delete(other.resolve("model.safetensors"));
        sameModel(usual, other);
        Converter.convert(usual, dir.resolve("a.gguf"), Converter.Options.of(DType.Q8_0), Converter.Progress.NONE);
        Converter.convert(other, dir.resolve("b.gguf"), Converter.Options.of(DType.Q8_0), Converter.Progress.NONE);
        assertEquals(-1, Files.mismatch(dir.resolve("a.gguf"), dir.resolve("b.gguf")));
    }

    /** A folder of 8-bit floats, and what they come to, written out as BF16, or F32 where they are not rounded, make one model, here and as GGUF. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {FP8 + " | 16 | 24 | _scale_inv", COMPRESSED + " | 1 | 100000 | _scale",
        "\"quant_method\": \"fbgemm_fp8\" | 1 | 100000 | _scale", "\"quant_method\": \"fp8\", \"weight_block_size\": null | 100000 | 100000 | _scale_inv",
        "\"quant_method\": \"fp8\" | 128 | 128 | _scale_inv", "\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\" | 100000 | 100000 | _scale"})
    void floatsOfEightBits(String config, int blockRows, int blockCols, String suffix) throws IOException {
        Path eight = copy("qwen3", "eight");
        Path sixteen = copy("qwen3", "sixteen");
        var tensors = new Repacked(eight);
        List<String> matrices = tensors.tensors.keySet().stream().filter(n -> n.endsWith("_proj.weight")).toList();
        assertTrue(matrices.size() > 10);
        matrices.forEach(n -> tensors.eightBits(n, blockRows, blockCols, suffix));
        tensors.tensors.put("model.layers.0.mlp.up_proj.input_scale", new Repacked.Raw("F32", List.of(1L), new byte[4]));
        tensors.safetensors(eight);
        configure(eight, config);
        var unpacked = new Repacked(sixteen);
        try (var model = ModelFiles.open(eight)) {
            var names = HuggingFaceNames.LLAMA;
            for (String n : matrices) {
                String gguf = ((HuggingFaceNames.Rename) names.resolve(n)).to();
                float[] exact = values(model.weights().get(gguf));
                float[] before = values(plain(sixteen, gguf));
                for (int i = 0; i < exact.length; i++) {
                    assertEquals(before[i], exact[i], 0.07 * Math.abs(before[i]) + 2e-3, n);
                }
                Weights stored = model.weights().get(gguf);
                Weights plain = stored.format().equals("F8_64") ? Rounded.of(stored, DType.F32) : stored;
                unpacked.tensors.put(n, new Repacked.Raw(plain.format(), unpacked.tensors.get(n).shape(),
                        plain.plain().data().toArray(ValueLayout.JAVA_BYTE)));
            }
        }
        unpacked.safetensors(sixteen);
        sameModel(sixteen, eight);
        for (DType type : List.of(DType.Q8_0, DType.BF16)) {
            Converter.convert(eight, dir.resolve("a.gguf"), Converter.Options.of(type), Converter.Progress.NONE);
            Converter.convert(sixteen, dir.resolve("b.gguf"), Converter.Options.of(type), Converter.Progress.NONE);
            assertEquals(-1, Files.mismatch(dir.resolve("a.gguf"), dir.resolve("b.gguf")), type.name());
        }
    }

    private static Weights plain(Path folder, String name) {
        try (var model = ModelFiles.open(folder)) {
            Weights w = model.weights().get(name);
            var bytes = MemorySegment.ofArray(new byte[Math.toIntExact(w.bytes())]);
            w.read(0, w.rows(), bytes);
            return new Tensor(name, DType.valueOf(w.format()), w.rows(), w.cols(), bytes);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "\"quant_method\": \"aqlm\"                                                  | quantization_config says \"aqlm\"",
        "\"bits\": 4                                                                 | quantization_config says \"unknown\"",
        "\"quant_method\": \"fp8\", \"weight_block_size\": [128]                     | weight_block_size is [128]; it must be two numbers from 1",
        "\"quant_method\": \"fp8\", \"weight_block_size\": [0, 128]                  | weight_block_size is [0, 128]",
        "\"quant_method\": \"fp8\", \"weight_block_size\": \"x\"                     | weight_block_size must be a number",
        "\"quant_method\": \"compressed-tensors\", \"format\": \"marlin-24\"         | format is \"marlin-24\"; supported is \"float-quantized\" or",
        "\"quant_method\": \"compressed-tensors\", \"quantization_status\": \"frozen\" | quantization_status is \"frozen\"",
        "\"quant_method\": \"compressed-tensors\", \"sparsity_config\": {\"format\": \"sparse-24-bitmask\"} | sparsity_config: format is \"sparse-24",
        "\"quant_method\": \"compressed-tensors\", \"transform_config\": {\"config_groups\": {\"a\": {}}} | names transforms of activations",
        "\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": {\"weights\": {\"type\": \"posit\"}}} | type is \"posit\"; supported",
        "\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": {\"weights\": {\"num_bits\": 3}}} | num_bits is 3; supported are [8, 4]",
        "\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": {\"weights\": {\"num_bits\": 4, \"type\": \"float\"}}}"
            + "| num_bits is 4; supported",
        "\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": {\"weights\": {\"symmetric\": false, \"type\": \"float\"}}}"
            + "| symmetric is false",
        "\"quant_method\": \"gptq\", \"bits\": 5 | bits is 5; supported are [2, 3, 4, 8]",
        "\"quant_method\": \"gptq\", \"bits\": 4, \"checkpoint_format\": \"marlin\""
            + "| checkpoint_format is \"marlin\"; supported is \"gptq\" or \"gptq_v2\"",
        "\"quant_method\": \"gptq\", \"bits\": 4, \"is_marlin_format\": true | is_marlin_format is true",
        "\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 0 | group_size is 0; it must be -1",
        "\"quant_method\": \"gptq\", \"bits\": 4, \"pack_dtype\": \"int8\" | pack_dtype is \"int8\"; supported is \"int32\"",
        "\"quant_method\": \"awq\", \"bits\": 4, \"version\": \"gemv_fast\" | version is \"gemv_fast\"; supported are",
        "\"quant_method\": \"awq\", \"w_bit\": 3 | w_bit is 3; supported are [4]",
        "\"quant_method\": \"torchao\", \"quant_type\": {\"default\": {\"_type\": \"Int4WeightOnlyConfig\"}}"
            + "| _type is \"Int4WeightOnlyConfig\"; supported are",
        "\"quant_method\": \"torchao\" | quant_type has no object",
        "\"quant_method\": \"modelopt\", \"quant_algo\": \"W4A8_AWQ\" | quant_algo is \"W4A8_AWQ\"; supported is \"FP8\" or \"NVFP4\"",
    })
    void otherQuantisedFolders(String config, String words) throws IOException {
        Path folder = copy("llama-tied", "a");
        configure(folder, config);
        var e = assertThrows(ModelLoadException.class, () -> ModelFiles.open(folder));
        assertTrue(e.getMessage().startsWith(folder.resolve("config.json") + ": ") && e.getMessage().contains(words), e.getMessage());
    }

    /** Before there was a file for them, config.json held the settings, and says so by do_sample. */
    @Test
    void settingsInTheConfiguration() throws IOException {
        Path folder = copy("llama-tied", "a");
        Path config = folder.resolve("config.json");
        String json = Files.readString(config).strip();
        String more = json.substring(0, json.length() - 1) + ", \"temperature\": 0.5, \"top_p\": 0.9, \"do_sample\": ";
        Files.writeString(config, more + "true}");
        try (var model = ModelFiles.open(folder)) {
            assertEquals(0.5f, model.defaults().temperature());
            assertEquals(0.9f, model.defaults().topP());
        }
        for (String other : List.of("false}", "null}", "\"yes\"}")) {
            Files.writeString(config, more + other);
            try (var model = ModelFiles.open(folder)) {
                assertEquals(SamplingParams.neutral(), model.defaults());
            }
        }
        Files.writeString(config, more + "true}");
        Files.writeString(folder.resolve("generation_config.json"), "{\"temperature\": 0.25}");
        try (var model = ModelFiles.open(folder)) {
            assertEquals(0.25f, model.defaults().temperature());
            assertEquals(1, model.defaults().topP());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"consolidated.00.pth", "params.json", "consolidated.safetensors"})
    void foldersInTheirMakersLayout(String file) throws IOException {
        Path folder = Files.createDirectories(dir.resolve("own"));
        Files.createFile(folder.resolve(file));
        var e = assertThrows(ModelLoadException.class, () -> ModelFiles.open(folder));
        assertTrue(e.getMessage().contains("has no config.json, but " + file + ": it holds a model in its makers' own layout"), e.getMessage());
    }
}
