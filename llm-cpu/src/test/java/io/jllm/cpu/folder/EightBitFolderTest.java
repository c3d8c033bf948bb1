package io.jllm.cpu.folder;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.load.ModelFiles;
import io.jllm.load.Repacked;
import io.jllm.model.GoldenModel;
import io.jllm.quant.DType;
import io.jllm.quant.Rounded;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A folder of 8-bit floats says, to the last bit, what one of their products says: rounded to BF16, or in F32 where blocks are whole. */
class EightBitFolderTest {
    @TempDir
    private Path dir;

    private RequestOutput said(Path folder, String kernels) {
        var load = LLM.load(folder).backend("cpu");
        try (LLM llm = (kernels.isEmpty() ? load : load.kernels(kernels)).open()) {
            var params = SamplingParams.builder().temperature(0).maxTokens(12).logprobs(5).ignoreEos(true).build();
            return llm.generate(List.of(Prompt.ofTokens(new int[] {3, 1, 4, 1, 5, 9, 2, 6})), params).getFirst();
        }
    }

    @ParameterizedTest
    @CsvSource({"'', 16", "scalar, 16", "'', 64", "vector, 64", "scalar, 64"})
    void sameAsTheirProducts(String kernels, int block) throws IOException {
        Path eight = GoldenModel.unpack("qwen2", "config.json", dir.resolve("eight"));
        Path sixteen = GoldenModel.unpack("qwen2", "config.json", dir.resolve("sixteen"));
        var tensors = new Repacked(eight);
        List<String> matrices = tensors.tensors.keySet().stream().filter(n -> n.endsWith("_proj.weight")).toList();
        matrices.forEach(n -> tensors.eightBits(n, block, block, "_scale_inv"));
        tensors.safetensors(eight);
        String config = Files.readString(eight.resolve("config.json")).strip();
        Files.writeString(eight.resolve("config.json"), config.substring(0, config.length() - 1)
                + ", \"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [" + block + ", " + block + "]}}");
        var unpacked = new Repacked(sixteen);
        try (var model = ModelFiles.open(eight)) {
            for (String n : matrices) {
                String gguf = ((HuggingFaceNames.Rename) HuggingFaceNames.LLAMA.resolve(n)).to();
                Weights stored = model.weights().get(gguf);
                assertEquals(block == 64 && stored.cols() % 64 == 0 ? "F8_64" : "BF16", stored.format());
                Weights plain = stored.format().equals("F8_64") ? Rounded.of(stored, DType.F32) : stored;
                unpacked.tensors.put(n, new Repacked.Raw(plain.format(), unpacked.tensors.get(n).shape(),
                        plain.plain().data().toArray(ValueLayout.JAVA_BYTE)));
            }
        }
        unpacked.safetensors(sixteen);
        RequestOutput a = said(eight, kernels);
        RequestOutput b = said(sixteen, kernels);
        assertArrayEquals(b.tokenIds(), a.tokenIds());
        for (int i = 0; i < a.tokenIds().length; i++) {
            assertArrayEquals(b.outputs().getFirst().logprobs().get(i).topLogprobs(), a.outputs().getFirst().logprobs().get(i).topLogprobs());
        }
        assertEquals(12, a.tokenIds().length);
    }
}
