package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.convert.Converter;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A folder of gpt-oss with experts in MXFP4, against what transformers computes of it, and the file that is made of it. */
class Mxfp4FolderTest {
    @TempDir
    private Path temp;
    private Path folder;

    @BeforeEach
    void find() {
        folder = Path.of(System.getProperty("jllm.shared", ""), "oracles", "quant", "gpt_oss-mxfp4");
        assumeTrue(!System.getProperty("jllm.shared", "").isEmpty() && Files.isDirectory(folder),
                "needs oracles/quant/gpt_oss-mxfp4 under -Djllm.shared");
    }

    @Test
    void folder() throws IOException {
        check(folder, 1e-4);
        try (var model = ModelFiles.open(folder)) {
            assertEquals("MXFP4", model.weights().get("blk.0.ffn_up_exps.weight").format());
        }
    }

    /** Experts stay as they are, whatever is asked for, and the rest loses nothing. */
    @Test
    void converted() throws IOException {
        Path file = temp.resolve("x.gguf");
        Converter.convert(folder, file, Converter.Options.of(DType.BF16), Converter.Progress.NONE);
        try (var gguf = GgufFile.open(file); var model = ModelFiles.open(folder)) {
            for (String name : List.of("blk.0.ffn_gate_exps.weight", "blk.1.ffn_up_exps.weight", "blk.1.ffn_down_exps.weight")) {
                assertEquals(DType.MXFP4, gguf.get(name).type());
                assertEquals(-1, gguf.get(name).data().mismatch(model.weights().tensor(name).data()));
            }
            var info = gguf.tensorInfos().stream().filter(t -> t.name().equals("blk.0.ffn_gate_exps.weight")).findFirst().orElseThrow();
            assertEquals(3, info.shape().size());
        }
        check(file, 1e-4);
    }

    /** Tensors that do not fit the configuration, or lack their partner. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "config.json       | \"intermediate_size\": 32 | \"intermediate_size\": 2880 | blk.0.ffn_gate_exps.bias",
        "model.safetensors | layers.0.mlp.experts.down_proj_scales | layers.0.mlp.experts.down_proj_scalez | blk.0.ffn_down_exps.weight"})
    void refused(String changed, String sound, String broken, String tensor) throws IOException {
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(folder.resolve(name), temp.resolve(name));
        }
        Path file = temp.resolve(changed);
        String before = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertTrue(before.contains(sound), sound);
        Files.writeString(file, before.replace(sound, broken), StandardCharsets.ISO_8859_1);
        String message = assertThrows(ModelLoadException.class, () -> ModelFiles.open(temp).close()).getMessage();
        assertTrue(message.startsWith("tensor " + tensor + " cannot be made: "), message);
    }

    private static void check(Path model, double tolerance) throws IOException {
        Path golden = Files.isDirectory(model) ? model.resolve("golden.json")
                : Path.of(System.getProperty("jllm.shared"), "oracles", "quant", "gpt_oss-mxfp4", "golden.json");
        try (LLM llm = LLM.load(model).backend("reference").open()) {
            for (JsonElement e : JsonParser.parseString(Files.readString(golden)).getAsJsonArray()) {
                var want = e.getAsJsonObject();
                int[] ids = StreamSupport.stream(want.getAsJsonArray("ids").spliterator(), false).mapToInt(JsonElement::getAsInt).toArray();
                var first = new AtomicReference<float[]>();
                LogitsProcessor keep = (tokens, prompt, length, logits) -> first.compareAndSet(null, logits.clone());
                llm.generate(List.of(Prompt.ofTokens(ids)), SamplingParams.builder().temperature(0).maxTokens(1).logitsProcessor(() -> keep).build());
                double rms = want.get("rms").getAsDouble();
                assertTrue(want.getAsJsonArray("top").size() >= 10);
                for (JsonElement pair : want.getAsJsonArray("top")) {
                    var idAndLogit = pair.getAsJsonArray();
                    assertEquals(idAndLogit.get(1).getAsDouble(), first.get()[idAndLogit.get(0).getAsInt()], tolerance * rms, ids.length + " tokens");
                }
            }
        }
    }
}
