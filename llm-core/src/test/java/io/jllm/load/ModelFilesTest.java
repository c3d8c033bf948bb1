package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonParser;
import io.jllm.ModelLoadException;
import io.jllm.SamplingParams;
import io.jllm.model.GoldenModel;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.WeightShape;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.spi.ReferenceBackend;
import io.jllm.spi.WeightCheck;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFilesTest {
    @TempDir
    Path folder;

    private static void fails(Path path, String... parts) {
        var e = assertThrows(ModelLoadException.class, () -> ModelFiles.open(path));
        for (var part : parts) {
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
    }

    private Path copy(String name) throws IOException {
        return GoldenModel.unpack(name, "config.json", folder);
    }

    @Test
    void ggufFile() throws IOException {
        try (var model = ModelFiles.open(new TinyGguf().write(folder.resolve("tiny.gguf")))) {
            assertEquals(40, model.config().vocab());
            assertTrue(model.config().tiedEmbeddings());
            assertEquals(Rope.Layout.INTERLEAVED, model.config().rope().layout());
            assertTrue(model.tokenizer().isEmpty());
            assertEquals(SamplingParams.neutral(), model.defaults());
            assertEquals("tiny.gguf: llama, 64.3K parameters, 251.3 KiB (F32), context 128", model.description());
            assertTrue(new ReferenceBackend().unsupported(model.program(), model.weights()).isEmpty());
        }
    }

    @Test
    void tensorsDecideOnBiasesAndTheOutputMatrix() throws IOException {
        var file = new TinyGguf().vector("blk.0.attn_q.bias", 64).vector("blk.1.attn_q.bias", 64).vector("blk.0.attn_k.bias", 32)
                .vector("blk.1.attn_k.bias", 32).vector("blk.0.attn_v.bias", 32).matrix("output.weight", 40, 64)
                .write(folder.resolve("tiny.gguf"));
        try (var model = ModelFiles.open(file)) {
            assertEquals(new ModelConfig.Biases(true, false, false), model.config().biases());
            assertFalse(model.config().tiedEmbeddings());
            var problems = new ReferenceBackend().unsupported(model.program(), model.weights());
            assertEquals(1, problems.size(), problems.toString());
            assertTrue(problems.getFirst().contains("blk.1.attn_v.bias"), problems.toString());
        }
    }

    @Test
    void everyProblemOfTheTensorsIsNamed() throws IOException {
        var tiny = new TinyGguf().matrix("blk.1.ffn_up.weight", 64, 64).matrix("output_norm.weight", 2, 32);
        tiny.tensors.remove("blk.0.attn_k.weight");
        try (var model = ModelFiles.open(tiny.write(folder.resolve("tiny.gguf")))) {
            var problems = String.join("\n", new ReferenceBackend().unsupported(model.program(), model.weights()));
            for (var name : new String[] {"blk.1.ffn_up.weight", "output_norm.weight", "blk.0.attn_k.weight"}) {
                assertTrue(problems.contains(name), problems);
            }
        }
    }

    @Test
    void ofManyFormatsTheLargestAreNamed() throws IOException {
        var tiny = new TinyGguf();
        tiny.zeros("blk.0.ffn_gate.weight", DType.F16).zeros("blk.0.ffn_up.weight", DType.Q8_0).zeros("blk.0.ffn_down.weight", DType.Q4_0);
        String start = "tiny.gguf: llama, 64.3K parameters, ";
        try (var model = ModelFiles.open(tiny.write(folder.resolve("tiny.gguf")))) {
            assertEquals(start + "201.0 KiB (F32, F16, Q8_0, Q4_0), context 128", model.description());
        }
        tiny.zeros("blk.1.attn_q.weight", DType.Q5_0).zeros("blk.1.attn_k.weight", DType.Q4_1);
        try (var model = ModelFiles.open(tiny.write(folder.resolve("tiny.gguf")))) {
            assertEquals(start + "181.0 KiB (F32, F16, Q8_0, Q4_0 and 2 more), context 128", model.description());
        }
    }

    @Test
    void ggufSamplingSettings() throws IOException {
        var tiny = new TinyGguf();
        tiny.keys.put("general.name", new GgufValue.Text("Tiny"));
        tiny.keys.put("general.sampling.temp", new GgufValue.Real(GgufValue.Type.FLOAT32, 0.5));
        tiny.keys.put("general.sampling.top_k", new GgufValue.Int(GgufValue.Type.INT32, 20));
        try (var model = ModelFiles.open(tiny.write(folder.resolve("tiny.gguf")))) {
            assertEquals(SamplingParams.builder().temperature(0.5).topK(20).build(), model.defaults());
            assertTrue(model.description().startsWith("Tiny: llama, "), model.description());
        }
    }

    @Test
    void huggingFaceFolder() throws IOException {
        var dir = copy("qwen3");
        Files.writeString(dir.resolve("generation_config.json"), """
                {"do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "repetition_penalty": null,
                 "eos_token_id": [5, 7, 1000000, -1]}""");
        try (var model = ModelFiles.open(dir)) {
            assertEquals("qwen3", model.config().architecture());
            assertEquals(SamplingParams.builder().temperature(0.6).topK(20).topP(0.95).build(), model.defaults());
            assertEquals(Set.of(5, 7), model.eos());
            assertTrue(model.description().startsWith("qwen3: qwen3, "), model.description());
            assertTrue(new ReferenceBackend().unsupported(model.program(), model.weights()).isEmpty());
        }
        Files.writeString(dir.resolve("generation_config.json"), "{\"do_sample\": false, \"temperature\": 0.6, \"top_k\": 20}");
        try (var model = ModelFiles.open(dir)) {
            assertEquals(SamplingParams.greedy(), model.defaults());
            assertEquals(Set.of(2), model.eos(), "that of config.json");
        }
    }

    @Test
    void whatIsNoModel() throws IOException {
        fails(folder.resolve("none.gguf"), "there is no file", "none.gguf", "give a GGUF file or a Hugging Face model folder");
        fails(folder, "is empty");
        Files.writeString(folder.resolve("notes.txt"), "Once upon a time there was a file that was no model at all.");
        fails(folder, "has no config.json");
        fails(folder.resolve("notes.txt"), "notes.txt");
        Files.createFile(folder.resolve("m.gguf"));
        fails(folder, "give the file: " + folder.resolve("m.gguf"));
        fails(folder.resolve("m.gguf"), "m.gguf");
    }

    @Test
    void partsOfAFolder() throws IOException {
        var dir = copy("llama-tied");
        fails(dir.resolve("model.safetensors"), "to load a Hugging Face model, give its folder");
        fails(dir.resolve("config.json"), "to load a Hugging Face model, give its folder");
        Files.delete(dir.resolve("model.safetensors"));
        fails(dir, "safetensors");
        Files.writeString(dir.resolve("config.json"), "{\"model_type\": ");
        fails(dir, "config.json is not valid JSON");
        Files.write(dir.resolve("config.json"), new byte[17 << 20]);
        fails(dir, "such a file has at most");
    }

    @Test
    void configurationLargerThanTheWeights() throws IOException {
        var dir = copy("llama-tied");
        var config = Files.readString(dir.resolve("config.json"));
        Files.writeString(dir.resolve("config.json"), config.replace("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 10000"));
        try (var model = ModelFiles.open(dir)) {
            var problems = new ReferenceBackend().unsupported(model.program(), model.weights());
            assertTrue(problems.stream().anyMatch(p -> p.contains("blk.9999.ffn_down.weight")));
        }
    }

    @Test
    void tiedOrNot() throws IOException {
        var dir = copy("llama-grouped");
        tie(dir, false, true);
        try (var model = ModelFiles.open(dir)) {
            assertFalse(model.config().tiedEmbeddings(), "there are two matrices, and they differ");
        }
        var file = dir.resolve("model.safetensors");
        var bytes = Files.readAllBytes(file);
        int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        var json = JsonParser.parseString(new String(bytes, 8, header, StandardCharsets.UTF_8)).getAsJsonObject();
        var from = json.getAsJsonObject("model.embed_tokens.weight").getAsJsonArray("data_offsets");
        var to = json.getAsJsonObject("lm_head.weight").getAsJsonArray("data_offsets");
        System.arraycopy(bytes, 8 + header + from.get(0).getAsInt(), bytes, 8 + header + to.get(0).getAsInt(),
                from.get(1).getAsInt() - from.get(0).getAsInt());
        Files.write(file, bytes);
        try (var model = ModelFiles.open(dir)) {
            assertTrue(model.config().tiedEmbeddings(), "the two are the same");
        }
        dir = copy("llama-tied");
        tie(dir, true, false);
        try (var model = ModelFiles.open(dir)) {
            var problems = new ReferenceBackend().unsupported(model.program(), model.weights());
            assertTrue(problems.size() == 1 && problems.getFirst().contains("output.weight"), problems.toString());
        }
    }

    private static void tie(Path dir, boolean before, boolean after) throws IOException {
        var config = Files.readString(dir.resolve("config.json"));
        var changed = config.replace("\"tie_word_embeddings\": " + before, "\"tie_word_embeddings\": " + after);
        assertNotEquals(config, changed);
        Files.writeString(dir.resolve("config.json"), changed);
    }

    @Test
    void unknownTensorTypesAreNamed() throws IOException {
        var file = new TinyGguf().write(folder.resolve("tiny.gguf"));
        var bytes = Files.readAllBytes(file);
        var name = "token_embd.weight".getBytes(StandardCharsets.US_ASCII);
        int at = indexOf(bytes, name) + name.length + 4 + 16; // behind the number of dimensions and two of them
        bytes[at] = 99;
        Files.write(file, bytes);
        fails(file, "1 tensors have types that this version does not know", "token_embd.weight, of type 99");
    }

    private static int indexOf(byte[] in, byte[] what) {
        int at = 0;
        while (!Arrays.equals(in, at, at + what.length, what, 0, what.length)) {
            at++;
        }
        return at;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 4, 20, 300, 1000, 100_000})
    void truncatedGgufFiles(int length) throws IOException {
        var file = new TinyGguf().write(folder.resolve("tiny.gguf"));
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), length));
        fails(file, "tiny.gguf");
    }

    @ParameterizedTest
    @CsvSource({"fairytale-23m/hf, fairytale-23m/fairytale-23m-Q4_0.gguf", "TinyStories-656K, TinyStories-656K/TinyStories-656K-F32.gguf"})
    void folderAndFileOfTheSameModel(String hf, String gguf) {
        var shared = System.getProperty("jllm.shared", "");
        assumeTrue(!shared.isEmpty() && Files.isDirectory(Path.of(shared, "models", hf)), "needs models/" + hf + " under -Djllm.shared");
        try (var a = ModelFiles.open(Path.of(shared, "models", hf)); var b = ModelFiles.open(Path.of(shared, "models", gguf))) {
            var x = a.config();
            var y = b.config();
            assertArrayEquals(x.rope().invFreq(), y.rope().invFreq());
            assertEquals(new ModelConfig(x.architecture(), x.layers(), x.hidden(), x.ffn(), x.heads(), x.kvHeads(), x.headDim(), x.vocab(),
                    x.maxContext(), x.normEps(), y.rope(), x.windows(), x.tiedEmbeddings(), x.biases()), y);
            assertEquals(WeightShape.of(a.program()), WeightShape.of(b.program()));
            assertEquals(a.eos(), b.eos());
            assertTrue(WeightCheck.problems(a.program(), a.weights(), t -> true).isEmpty());
            assertTrue(WeightCheck.problems(b.program(), b.weights(), t -> true).isEmpty());
            assertEquals(x.vocab(), a.tokenizer().orElseThrow().vocabSize());
        }
    }
}
