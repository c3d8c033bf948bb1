package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.convert.Converter;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    /** What the weights of a folder are in memory, and that they take little more than its tensors do, but for Q5_0. */
    @ParameterizedTest
    @CsvSource({
        "quant, gptq-4bit-g128, Q4_0", "quant, gptq-4bit-g128-v2, Q5_0", "quant, gptq-4bit-g32-actorder, GPTQ 4-bit",
        "quant, gptq-4bit-perchannel-old, Q4_0", "quant, gptq-3bit-g128, GPTQ 3-bit", "quant, gptq-2bit-g32, GPTQ 2-bit",
        "quant-real, gptq-8bit-g-1, Q8_0", "quant, awq-gemm-g128, Q5_0", "quant, bnb-nf4, NF4", "quant, bnb-nf4-dq, NF4",
        "quant, bnb-fp4, FP4", "quant, bnb-int8, LLM.int8", "quant-real, ct-w4a16-g128, Q4_0", "quant-real, ct-w4a16-asym-g32, Q5_0",
        "quant-real, ct-w8a8-int8, Q8_0"})
    void formats(String parent, String name, String format) throws IOException {
        Path folder = folder(parent, name);
        try (var model = ModelFiles.open(folder)) {
            var weights = model.weights();
            assertEquals(format, weights.get("blk.0.ffn_up.weight").format());
            long bytes = weights.names().stream().mapToLong(n -> weights.get(n).bytes()).sum();
            long file = Files.size(folder.resolve("model.safetensors"));
            assertTrue(bytes < (format.equals("Q5_0") ? 1.32 : 1.1) * file, bytes + " of " + file);
        }
    }

    /** Files that are made of them hold the values that they stand for. */
    @ParameterizedTest
    @CsvSource({"quant, gptq-3bit-g32-actorder-v2", "quant, gptq-4bit-g128", "quant, awq-gemm-g128", "quant, bnb-nf4-dq", "quant, bnb-int8",
        "quant-real, ct-w4a16-asym-g32"})
    void converted(String parent, String name) throws IOException {
        Path file = temp.resolve(name + ".gguf");
        Converter.convert(folder(parent, name), file, Converter.Options.of(DType.F32), Converter.Progress.NONE);
        try (var gguf = GgufFile.open(file)) {
            assertEquals(DType.F32, gguf.get("blk.0.ffn_up.weight").type());
        }
        check(file, folder(parent, name));
    }
}
