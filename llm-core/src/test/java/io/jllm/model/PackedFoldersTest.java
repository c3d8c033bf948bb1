package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.convert.Converter;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.gguf.GgufFile;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** All packed folders on the oracle. */
class PackedFoldersTest extends PackedFolders {
    @TempDir
    private Path temp;

    @Override
    protected LLM open(Path model) {
        return LLM.load(model).backend("reference").open();
    }

    /** What the weights of a folder are in memory: they take at most 1.1 times what its tensors do. */
    @ParameterizedTest
    @CsvSource({
        "quant, gptq-4bit-g128, Q4_0", "quant, gptq-4bit-g128-v2, U4_128", "quant, gptq-4bit-perchannel-old, Q4_0",
        "quant, gptq-3bit-g128, U3_128", "quant, gptq-2bit-g32, U2_32", "quant, gptq-8bit-g128, Q8_0", "quant-real, gptq-3bit-g64, U3_64",
        "quant-real, gptq-8bit-g-1, Q8_0", "quant, awq-gemm-g128, U4_128", "quant, awq-gemv-g64, U4_64", "quant-real, autoawq-gemv-g32, U4_32",
        "quant, bnb-nf4, NF4", "quant, bnb-nf4-dq, NF4", "quant, bnb-fp4, FP4", "quant, bnb-fp4-dq, FP4", "quant, bnb-int8, S8_64",
        "quant-real, ct-w4a16-g128, Q4_0", "quant-real, ct-w4a16-asym-g32, U4_32", "quant-real, ct-w8a8-int8, Q8_0",
        "quant-real, ct-mxfp4a16, MXFP4", "quant-real, ct-nvfp4a16, E2M1_64",
        "quant-real, ct-fp8-block, F8_64", "quant-real, ct-fp8-static, F8_64", "quant-real, fp8-finegrained-b128, F8_64",
        "quant-real, fp8-finegrained-ue8m0, F8_64", "quant-real, ao-float8wo, F8_64"})
    void formats(String parent, String name, String format) throws IOException {
        try (var model = ModelFiles.open(folder(parent, name))) {
            assertEquals(format, model.weights().get("blk.0.ffn_up.weight").format());
            takesLittleMore(folder(parent, name), model.weights(), Weights::bytes);
        }
    }

    /** The same where groups have their columns in an order of their own: blocks have them group after group. */
    @ParameterizedTest
    @CsvSource({"quant, gptq-4bit-g32-actorder, U4_32", "quant, gptq-3bit-g32-actorder-v2, U3_32", "quant, gptq-8bit-g32-actorder-v2, U8_32",
        "quant-real, gptq-4bit-g32-descact, Q4_0", "quant-real, gptq-4bit-g32-asym-descact-v2, U4_32"})
    void orderedFormats(String parent, String name, String format) throws IOException {
        try (var model = ModelFiles.open(folder(parent, name))) {
            var weights = (Grouped) model.weights().get("blk.0.ffn_down.weight");
            assertEquals(DType.valueOf(format), weights.blocks().orElseThrow().type());
            takesLittleMore(folder(parent, name), model.weights(), w -> w instanceof Grouped g
                    ? g.blocks().orElseThrow().type().bytes(g.rows() * g.cols()) : w.bytes());
        }
    }

    private static void takesLittleMore(Path folder, WeightSource weights, ToLongFunction<Weights> size) throws IOException {
        long bytes = weights.names().stream().mapToLong(n -> size.applyAsLong(weights.get(n))).sum();
        long file = Files.size(folder.resolve("model.safetensors"));
        assertTrue(bytes <= 1.1 * file, bytes + " of " + file);
    }

    /** The folder of compressed-tensors with its weights as ModelOpt writes them, which says so in a file of its own. */
    @Test
    void nvfp4AsModelOptHasIt() throws IOException {
        Path from = folder("quant-real", "ct-nvfp4a16");
        Files.copy(from.resolve("tokenizer.json"), temp.resolve("tokenizer.json"));
        var config = JsonParser.parseString(Files.readString(from.resolve("config.json"))).getAsJsonObject();
        config.remove("quantization_config");
        Files.writeString(temp.resolve("config.json"), config.toString());
        Files.writeString(temp.resolve("hf_quant_config.json"), """
                {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": null, "group_size": 16,
                 "exclude_modules": ["lm_head"]}}""");
        byte[] file = Files.readAllBytes(from.resolve("model.safetensors"));
        var bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int header = Math.toIntExact(bytes.getLong());
        var tensors = JsonParser.parseString(new String(file, Long.BYTES, header, StandardCharsets.UTF_8)).getAsJsonObject();
        var renamed = new JsonObject();
        for (String name : tensors.keySet()) {
            renamed.add(name.replace("weight_packed", "weight").replace("weight_global_scale", "weight_scale_2"), tensors.get(name));
            if (name.endsWith("weight_global_scale")) {
                var offsets = tensors.getAsJsonObject(name).getAsJsonArray("data_offsets");
                int at = Long.BYTES + header + offsets.get(0).getAsInt();
                bytes.putFloat(at, 1 / bytes.getFloat(at));
            }
        }
        byte[] json = renamed.toString().getBytes(StandardCharsets.UTF_8);
        try (var out = new DataOutputStream(Files.newOutputStream(temp.resolve("model.safetensors")))) {
            out.writeLong(Long.reverseBytes(json.length));
            out.write(json);
            out.write(file, Long.BYTES + header, file.length - Long.BYTES - header);
        }
        check(temp, from);
    }

    /** Files that are made of them hold the values that they stand for. */
    @ParameterizedTest
    @CsvSource({"quant, gptq-3bit-g32-actorder-v2", "quant, gptq-4bit-g128", "quant, awq-gemm-g128", "quant, bnb-nf4-dq", "quant, bnb-int8",
        "quant-real, ct-w4a16-asym-g32", "quant-real, ct-nvfp4a16", "quant-real, fp8-finegrained-b128", "quant-real, ct-fp8-static"})
    void converted(String parent, String name) throws IOException {
        Path file = temp.resolve(name + ".gguf");
        Converter.convert(folder(parent, name), file, Converter.Options.of(DType.F32), Converter.Progress.NONE);
        try (var gguf = GgufFile.open(file)) {
            assertEquals(DType.F32, gguf.get("blk.0.ffn_up.weight").type());
        }
        check(file, folder(parent, name));
    }
}
