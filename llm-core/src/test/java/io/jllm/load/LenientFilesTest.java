package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.ModelLoadException;
import io.jllm.convert.Converter;
import io.jllm.model.GoldenModel;
import io.jllm.model.WeightShape;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import io.jllm.spi.ReferenceBackend;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models in other forms than the usual ones: the same model must come out. */
class LenientFilesTest {
    @TempDir
    private Path dir;

    private static void sameModel(LoadedModel a, LoadedModel b) {
        assertArrayEquals(a.config().rope().invFreq(), b.config().rope().invFreq());
        assertEquals(a.config().layers(), b.config().layers());
        assertEquals(a.config().tiedEmbeddings(), b.config().tiedEmbeddings());
        assertEquals(a.config().biases(), b.config().biases());
        assertEquals(WeightShape.of(a.program()), WeightShape.of(b.program()));
        for (var need : WeightShape.of(a.program())) {
            assertEquals(-1, a.weights().tensor(need.name()).data().mismatch(b.weights().tensor(need.name()).data()), need.name());
        }
        assertEquals(List.of(), new ReferenceBackend().unsupported(b.program(), b.weights()));
    }

    /** Writes the tensors of a folder into others, each name through {@code prefix}. */
    private static void respell(Path folder, String prefix, int shards) throws IOException {
        Path file = folder.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        JsonObject json = JsonParser.parseString(new String(bytes, 8, header, StandardCharsets.UTF_8)).getAsJsonObject();
        json.remove("__metadata__");
        var index = new JsonObject();
        var parts = new ArrayList<JsonObject>();
        for (int i = 0; i < shards; i++) {
            parts.add(new JsonObject());
        }
        int at = 0;
        for (var e : json.entrySet()) {
            String name = e.getKey().startsWith("model.") ? prefix + e.getKey().substring(6) : e.getKey();
            int part = at++ % shards;
            parts.get(part).add(name, e.getValue());
            index.addProperty(name, "part" + part + ".safetensors");
        }
        for (int i = 0; i < shards; i++) {
            byte[] text = parts.get(i).toString().getBytes(StandardCharsets.UTF_8);
            byte[] all = ByteBuffer.allocate(bytes.length - header + text.length).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).put(text)
                    .put(bytes, 8 + header, bytes.length - 8 - header).array();
            Files.write(shards == 1 ? file : folder.resolve("part" + i + ".safetensors"), all);
        }
        if (shards > 1) {
            Files.delete(file);
            var all = new JsonObject();
            all.add("weight_map", index);
            Files.writeString(folder.resolve("model.safetensors.index.json"), all.toString());
        }
    }

    @ParameterizedTest
    @CsvSource({"llama-tied, '', 1", "llama-biases, '', 3", "mistral-window, '', 1", "qwen2, '', 2", "qwen3, '', 1", "qwen3, '', 4",
        "llama-grouped, language_model.model., 1", "qwen2, module.model., 2"})
    void checkpointsThatSpellNamesOtherwise(String family, String prefix, int shards) throws IOException {
        Path usual = GoldenModel.unpack(family, "config.json", dir.resolve("usual"));
        Path other = GoldenModel.unpack(family, "config.json", dir.resolve("other"));
        respell(other, prefix, shards);
        try (var a = ModelFiles.open(usual); var b = ModelFiles.open(other)) {
            sameModel(a, b);
        }
        Converter.convert(usual, dir.resolve("usual.gguf"), Converter.Options.of(DType.F16), Converter.Progress.NONE);
        Converter.convert(other, dir.resolve("other.gguf"), Converter.Options.of(DType.F16), Converter.Progress.NONE);
        assertEquals(-1, Files.mismatch(dir.resolve("usual.gguf"), dir.resolve("other.gguf")));
    }

    /** Cuts a file into so many, as gguf-split does; the first may have no tensors. */
    private Path split(Path whole, int files, boolean tensorsInTheFirst) throws IOException {
        try (var model = GgufFile.open(whole)) {
            var infos = model.tensorInfos();
            int with = tensorsInTheFirst ? files : files - 1;
            int each = Math.ceilDiv(infos.size(), with);
            for (int i = 0; i < files; i++) {
                var keys = new LinkedHashMap<String, GgufValue>(i == 0 ? model.metadata().entries() : Map.of());
                keys.put("split.no", new GgufValue.Int(GgufValue.Type.UINT16, i));
                keys.put("split.count", new GgufValue.Int(GgufValue.Type.UINT16, files));
                keys.put("split.tensors.count", new GgufValue.Int(GgufValue.Type.INT32, infos.size()));
                int from = (tensorsInTheFirst ? i : i - 1) * each;
                var mine = from < 0 ? infos.subList(0, 0) : infos.subList(Math.min(from, infos.size()), Math.min(from + each, infos.size()));
                GgufWriter.write(part(i + 1, files), keys, mine.stream().map(t -> new GgufWriter.TensorEntry(t.name(), t.type().orElseThrow(),
                        t.shape(), out -> out.write(ByteBuffer.wrap(model.get(t.name()).data().toArray(ValueLayout.JAVA_BYTE))))).toList(),
                        GgufWriter.Progress.NONE);
            }
        }
        return part(1, files);
    }

    private Path part(int number, int files) {
        return dir.resolve("m-%05d-of-%05d.gguf".formatted(number, files));
    }

    @ParameterizedTest
    @CsvSource({"2, true", "3, false", "7, true"})
    void modelsInSeveralFiles(int files, boolean tensorsInTheFirst) throws IOException {
        Path whole = new TinyGguf().write(dir.resolve("whole.gguf"));
        Path first = split(whole, files, tensorsInTheFirst);
        try (var a = ModelFiles.open(whole); var b = ModelFiles.open(first)) {
            sameModel(a, b);
            assertEquals(List.copyOf(a.weights().names()), List.copyOf(b.weights().names()));
        }
        Path one = dir.resolve("one.gguf");
        Converter.convert(first, one, Converter.Options.of(DType.F16), Converter.Progress.NONE);
        Converter.convert(whole, whole.resolveSibling("two.gguf"), Converter.Options.of(DType.F16), Converter.Progress.NONE);
        assertEquals(-1, Files.mismatch(one, whole.resolveSibling("two.gguf")), "what is written is one file, without a word of parts");
        for (int i = 1; i <= files; i++) {
            Path out = part(i, files);
            var e = assertThrows(IllegalArgumentException.class,
                    () -> Converter.convert(first, out, Converter.Options.of(DType.F16), Converter.Progress.NONE));
            assertTrue(e.getMessage().contains(out + " is the model itself"), e.getMessage());
        }
        var e = assertThrows(ModelLoadException.class, () -> ModelFiles.open(part(2, files)));
        assertTrue(e.getMessage().contains("give " + first), e.getMessage());
        e = assertThrows(ModelLoadException.class, () -> Converter.convert(part(2, files), one, Converter.Options.of(DType.F16),
                Converter.Progress.NONE));
        assertTrue(e.getMessage().contains("give " + first), e.getMessage());
        Files.delete(part(files, files));
        e = assertThrows(ModelLoadException.class, () -> ModelFiles.open(first));
        assertTrue(e.getMessage().contains("1 is missing: " + part(files, files)), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"fairytale-23m/fairytale-23m-Q4_0.gguf", "TinyStories-656K/TinyStories-656K-Q8_0.gguf"})
    void modelsOfOthersInSeveralFiles(String name) throws IOException {
        Path whole = Path.of(System.getProperty("jllm.shared", ""), "models", name);
        assumeTrue(!System.getProperty("jllm.shared", "").isEmpty() && Files.exists(whole), "needs models/" + name + " under -Djllm.shared");
        try (var a = ModelFiles.open(whole); var b = ModelFiles.open(split(whole, 4, false))) {
            sameModel(a, b);
            assertEquals(a.eos(), b.eos());
            assertEquals(a.tokenizer().orElseThrow().vocabSize(), b.tokenizer().orElseThrow().vocabSize());
        }
    }

    @Test
    void numbersOfGgufFilesThatAreOutOfRange() throws IOException {
        var tiny = new TinyGguf().integer("llama.context_length", 0xffff_ffffL);
        tiny.keys.put("general.sampling.top_p", new GgufValue.Real(GgufValue.Type.FLOAT32, -1));
        tiny.keys.put("general.sampling.temp", new GgufValue.Real(GgufValue.Type.FLOAT32, 0.5));
        try (var warnings = new Warnings(); var model = ModelFiles.open(tiny.write(dir.resolve("tiny.gguf")))) {
            assertEquals(4096, model.config().maxContext());
            assertEquals(0.5f, model.defaults().temperature());
            warnings.some(dir.resolve("tiny.gguf") + ": llama.context_length is 4294967295");
            warnings.some(dir.resolve("tiny.gguf") + ": general.sampling.top_p is -1.0");
        }
    }

    /** What remains unsaid fits the weights only where transformers would have saved it so. */
    @Test
    void aConfigurationThatSaysWhatDiffersOnly() throws IOException {
        Path folder = GoldenModel.unpack("qwen2", "config.json", dir);
        String config = Files.readString(folder.resolve("config.json"));
        String shorter = config.replaceAll("\"(max_position_embeddings|rms_norm_eps|rope_theta|hidden_act|use_sliding_window)\": [^,\n]+,", "");
        assertNotEquals(config, shorter);
        Files.writeString(folder.resolve("config.json"), shorter);
        try (var model = ModelFiles.open(folder)) {
            assertEquals(32_768, model.config().maxContext());
            assertEquals(1e-6f, model.config().normEps());
            assertEquals(List.of(), new ReferenceBackend().unsupported(model.program(), model.weights()));
        }
    }
}
