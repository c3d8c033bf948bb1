package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.demo.DemoModel;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tokenize}, {@code inspect} and {@code quantize}: commands about files; {@code embed}. */
class FilesTest {
    @TempDir
    private Path folder;

    @Test
    void tokenizesLinesWholeFilesAndJson() throws Exception {
        Path text = Files.writeString(folder.resolve("t.txt"), "The king\n\nand <|endoftext|>\nlast");
        List<String> lines = CliRun.good("tokenize", "--text-file", text.toString()).lines().toList();
        assertEquals(4, lines.size());
        assertEquals("0", lines.get(1));
        assertTrue(lines.get(0).startsWith("0 ") && lines.get(2).startsWith("0 ") && lines.get(2).endsWith(" 0"),
                lines.toString());

        List<String> bare = CliRun.good("tokenize", "--text-file", text.toString(), "--no-bos").lines().toList();
        assertEquals(lines.get(0), "0 " + bare.get(0));
        assertEquals("", bare.get(1));
        List<String> plain = CliRun.good("tokenize", "--text-file", text.toString(), "--no-bos", "--no-special").lines().toList();
        assertFalse(plain.get(2).endsWith(" 0"), plain.get(2));

        String whole = CliRun.good("tokenize", "--text-file", text.toString(), "--whole");
        assertEquals(1, whole.lines().count());
        assertTrue(whole.split(" ").length > lines.stream().mapToInt(l -> l.split(" ").length - 1).sum(), whole);

        Path json = Files.writeString(folder.resolve("t.jsonl"), "\"The king\"\n\"a\\nb \\u00e9\"\n\"\"\n");
        List<String> arrays = CliRun.good("tokenize", "--jsonl", "--text-file", json.toString()).lines().toList();
        assertEquals(3, arrays.size());
        assertEquals("[" + lines.getFirst().replace(" ", ",") + "]", arrays.getFirst());
        Path same = Files.writeString(folder.resolve("u.txt"), "a\nb \u00e9");
        assertEquals("[" + CliRun.good("tokenize", "--whole", "--text-file", same.toString()).strip().replace(" ", ",") + "]",
                arrays.get(1));
        assertEquals("[0]", arrays.get(2));
    }

    @Test
    void embedsLines() throws Exception {
        Path text = Files.writeString(folder.resolve("lines"), "Once upon a time\nThere was a king\nOnce upon a time\n");
        List<String> lines = CliRun.good("embed", "--text-file", text.toString()).lines().toList();
        assertEquals(3, lines.size());
        assertEquals(lines.getFirst(), lines.getLast());
        double squares = 0;
        for (JsonElement x : JsonParser.parseString(lines.getFirst()).getAsJsonArray()) {
            squares += x.getAsDouble() * x.getAsDouble();
        }
        assertEquals(1, squares, 1e-5);
        List<String> means = CliRun.good("embed", "--text-file", text.toString(), "--pooling", "mean").lines().toList();
        assertNotEquals(lines.getFirst(), means.getFirst());
        Path json = Files.writeString(folder.resolve("jsonl"), "\"Once upon a time\"\n");
        assertEquals(means.getFirst(), CliRun.good("embed", "--jsonl", "--text-file", json.toString(), "--pooling", "mean").strip());
    }

    @Test
    void aVocabularyWillDoToTokenize() throws Exception {
        Path vocabulary = folder.resolve("vocabulary.gguf");
        try (GgufFile demo = GgufFile.open(DemoModel.path())) {
            GgufWriter.write(vocabulary, demo.metadata().entries(), List.of(), GgufWriter.Progress.NONE);
        }
        Path text = Files.writeString(folder.resolve("t.txt"), "The king of the golden river\n");
        assertEquals(CliRun.good("tokenize", "--text-file", text.toString()),
                CliRun.good("tokenize", "--text-file", text.toString(), "--model", vocabulary.toString()));
        assertTrue(CliRun.bad(2, "run", "--prompt", "a", "--model", vocabulary.toString()).contains("vocabulary"));
        JsonObject json = CliRun.json("inspect", vocabulary.toString(), "--json");
        assertFalse(json.get("loadable").getAsBoolean());
        assertEquals(0, json.getAsJsonArray("tensors").size());
    }

    @Test
    void inspectsTheDemoModel() {
        String path = DemoModel.path().toString();
        JsonObject json = CliRun.json("inspect", path, "--json");
        assertEquals(Set.of("format", "metadata", "tensors", "memory", "loadable", "reasons"), json.keySet());
        assertEquals("llama", json.getAsJsonObject("metadata").get("general.architecture").getAsString());
        assertEquals(8192, json.getAsJsonObject("metadata").getAsJsonArray("tokenizer.ggml.tokens").size());
        assertTrue(json.get("loadable").getAsBoolean(), json.get("reasons").toString());
        long bytes = 0;
        for (var t : json.getAsJsonArray("tensors")) {
            assertEquals(Set.of("name", "type", "shape", "bytes"), t.getAsJsonObject().keySet());
            bytes += t.getAsJsonObject().get("bytes").getAsLong();
        }
        JsonObject memory = json.getAsJsonObject("memory");
        assertEquals(bytes, memory.get("weights").getAsLong());
        // 6 layers of 4 key-value heads of 64, keys and values, float32, 1,024 positions
        assertEquals(2 * 6 * 4 * 64 * 4, memory.get("kv_per_token").getAsLong());
        assertEquals(bytes + 1024L * 2 * 6 * 4 * 64 * 4, memory.get("total").getAsLong());
        String text = CliRun.good("inspect", path);
        assertTrue(text.contains("general.architecture") && text.contains("blk.0.attn_q.weight")
                && text.endsWith("can be loaded\n"), text);
    }

    @Test
    void inspectsWhatIsNoModelAndTypesThatAreUnknown() throws Exception {
        Path file = folder.resolve("other.gguf");
        GgufWriter.write(file, Map.of("a.list", new GgufValue.Texts(List.of("x", "y")), "a.big",
                new GgufValue.Int(GgufValue.Type.UINT64, -1)),
                List.of(new GgufWriter.TensorEntry("strange", DType.F32, List.of(3L, 2L), out ->
                        out.write(ByteBuffer.allocate(24)))),
                GgufWriter.Progress.NONE);
        JsonObject json = CliRun.json("inspect", file.toString(), "--json");
        assertEquals(JsonParser.parseString("{\"name\":\"strange\",\"type\":\"F32\",\"shape\":[3,2],\"bytes\":24}"),
                json.getAsJsonArray("tensors").get(0));
        assertEquals("18446744073709551615", json.getAsJsonObject("metadata").get("a.big").getAsString());
        assertFalse(json.get("loadable").getAsBoolean());
        assertTrue(json.getAsJsonArray("reasons").get(0).getAsString().contains("general.architecture"));

        byte[] bytes = Files.readAllBytes(file);
        // after name, dimension count and two dimensions comes the type
        int name = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("strange");
        bytes[name + "strange".length() + 4 + 16] = 99;
        Files.write(file, bytes);
        json = CliRun.json("inspect", file.toString(), "--json");
        JsonObject tensor = json.getAsJsonArray("tensors").get(0).getAsJsonObject();
        assertTrue(tensor.get("type").getAsString().contains("99") && tensor.get("bytes").isJsonNull(), tensor.toString());
        assertTrue(CliRun.good("inspect", file.toString()).contains("cannot be loaded"));
    }

    /** Those that cannot be computed too, by name and size. */
    @Test
    void inspectsEveryGgufType() throws Exception {
        Path file = folder.resolve("types.gguf");
        List<DType> types = Arrays.stream(DType.values()).filter(t -> t.ggmlId() >= 0).toList();
        GgufWriter.write(file, Map.of("general.architecture", new GgufValue.Text("llama")), types.stream().map(t ->
                new GgufWriter.TensorEntry(t.name(), t, List.of(256L, 3L), out -> out.write(ByteBuffer.allocate((int) t.bytes(768))))).toList(),
                GgufWriter.Progress.NONE);
        var tensors = CliRun.json("inspect", file.toString(), "--json").getAsJsonArray("tensors");
        assertEquals(types.size(), tensors.size());
        for (int i = 0; i < types.size(); i++) {
            JsonObject tensor = tensors.get(i).getAsJsonObject();
            assertEquals(types.get(i).name(), tensor.get("type").getAsString());
            assertEquals(768 / types.get(i).blockElements() * types.get(i).blockBytes(), tensor.get("bytes").getAsLong());
        }
        assertTrue(CliRun.good("inspect", file.toString()).contains("IQ4_NL_4_8"));
    }

    @Test
    void inspectsModelsInParts() throws Exception {
        Path first = folder.resolve("demo-00001-of-00002.gguf");
        Path second = folder.resolve("demo-00002-of-00002.gguf");
        try (GgufFile demo = GgufFile.open(DemoModel.path())) {
            for (int i = 0; i < 2; i++) {
                var keys = new LinkedHashMap<String, GgufValue>(i == 0 ? demo.metadata().entries() : Map.of());
                keys.put("split.no", new GgufValue.Int(GgufValue.Type.UINT16, i));
                keys.put("split.count", new GgufValue.Int(GgufValue.Type.UINT16, 2));
                List<GgufFile.TensorInfo> tensors = i == 0 ? List.of() : demo.tensorInfos();
                GgufWriter.write(i == 0 ? first : second, keys, tensors.stream().map(t -> new GgufWriter.TensorEntry(t.name(),
                        t.type().orElseThrow(), t.shape(), out -> out.write(demo.get(t.name()).data().asByteBuffer()))).toList(),
                        GgufWriter.Progress.NONE);
            }
        }
        JsonObject whole = CliRun.json("inspect", DemoModel.path().toString(), "--json");
        JsonObject json = CliRun.json("inspect", first.toString(), "--json");
        assertEquals("GGUF file, in 2 parts", json.get("format").getAsString());
        for (String key : List.of("tensors", "memory", "loadable", "reasons")) {
            assertEquals(whole.get(key), json.get(key), key);
        }
        String[] run = {"run", "--prompt", "Once upon a time", "--temperature", "0", "--max-tokens", "4", "--model", first.toString()};
        assertEquals(CliRun.good(Arrays.copyOf(run, run.length - 2)), CliRun.good(run));
        assertTrue(CliRun.bad(2, "inspect", second.toString()).contains("give " + first));
        assertTrue(CliRun.bad(2, "run", "--prompt", "a", "--model", second.toString()).contains("give " + first));
    }

    @Test
    void inspectsFoldersOfPointers() throws Exception {
        Files.writeString(folder.resolve("config.json"), "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 650\n");
        JsonObject json = CliRun.json("inspect", folder.toString(), "--json");
        assertEquals(0, json.getAsJsonObject("metadata").size());
        assertTrue(json.getAsJsonArray("reasons").get(0).getAsString().contains("config.json is a Git LFS pointer"), json.toString());
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\",}}");
        String text = CliRun.good("inspect", folder.toString());
        assertTrue(text.contains("config.json is not valid JSON") && !text.contains("JsonReader"), text);
    }

    @Test
    void quantizesAndWhatItWritesRuns() throws Exception {
        Path out = folder.resolve("q8.gguf");
        assertEquals("", CliRun.good("quantize", DemoModel.path().toString(), out.toString(), "--type", "q8_0"));
        JsonObject json = CliRun.json("inspect", out.toString(), "--json");
        assertTrue(json.getAsJsonArray("tensors").asList().stream().map(t -> t.getAsJsonObject().get("type").getAsString())
                .anyMatch("Q8_0"::equals));
        String[] run = {"run", "--prompt", "Once upon a time", "--temperature", "0", "--max-tokens", "4", "--json"};
        int[] demo = CliRun.ints(CliRun.json(run).get("token_ids"));
        String[] with = Arrays.copyOf(run, run.length + 2);
        with[run.length] = "--model";
        with[run.length + 1] = out.toString();
        // from Q4_0 to Q8_0 hardly anything changes
        assertArrayEquals(demo, CliRun.ints(CliRun.json(with).get("token_ids")));
    }

    @Test
    void pureIsPure() throws Exception {
        Path source = folder.resolve("small.gguf");
        GgufWriter.write(source, Map.of("general.architecture", new GgufValue.Text("llama")), List.of(zeros("token_embd.weight"),
                zeros("blk.0.attn_q.weight")), GgufWriter.Progress.NONE);
        CliRun.good("quantize", source.toString(), folder.resolve("a.gguf").toString(), "--type", "Q4_0");
        CliRun.good("quantize", source.toString(), folder.resolve("b.gguf").toString(), "--type", "Q4_0", "--pure");
        assertEquals(DType.Q6_K, type("a.gguf", "token_embd.weight"));
        assertEquals(DType.Q4_0, type("b.gguf", "token_embd.weight"));
        assertEquals(DType.Q4_0, type("a.gguf", "blk.0.attn_q.weight"));
        CliRun.good("quantize", source.toString(), folder.resolve("c.gguf").toString(), "--type", "q5_k", "--threads", "1", "--tensor-type",
                "attn_[qk]=iq4_xs");
        assertEquals(DType.Q6_K, type("c.gguf", "token_embd.weight"));
        assertEquals(DType.IQ4_XS, type("c.gguf", "blk.0.attn_q.weight"));
        try (GgufFile open = GgufFile.open(folder.resolve("c.gguf"))) {
            assertEquals(17, open.metadata().integer("general.file_type").orElseThrow()); // Q5_K_M
        }
    }

    @Test
    void importanceMatricesAreRead() throws Exception {
        Path source = folder.resolve("small.gguf");
        GgufWriter.write(source, Map.of("general.architecture", new GgufValue.Text("llama")), List.of(zeros("token_embd.weight"),
                zeros("blk.0.attn_q.weight")), GgufWriter.Progress.NONE);
        Path matrix = folder.resolve("a.dat");
        byte[] name = "blk.0.attn_q.weight".getBytes(StandardCharsets.US_ASCII);
        ByteBuffer bytes = ByteBuffer.allocate(16 + name.length + 4 * 256).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(1).putInt(name.length).put(name).putInt(1).putInt(256);
        Files.write(matrix, bytes.array());
        CliRun.good("quantize", source.toString(), folder.resolve("d.gguf").toString(), "--type", "Q2_K_S", "--imatrix", matrix.toString());
        assertEquals(DType.Q2_K, type("d.gguf", "blk.0.attn_q.weight"));
        try (GgufFile open = GgufFile.open(folder.resolve("d.gguf"))) {
            assertEquals(matrix.toString(), open.metadata().text("quantize.imatrix.file").orElseThrow());
        }
        assertTrue(CliRun.bad(2, "quantize", source.toString(), folder.resolve("e.gguf").toString(), "--type", "Q2_K_S").contains("--imatrix"));
    }

    private static GgufWriter.TensorEntry zeros(String name) {
        return new GgufWriter.TensorEntry(name, DType.F32, List.of(256L, 4L), out -> out.write(ByteBuffer.allocate(4 * 1024)));
    }

    @Test
    void namesThatHoldAnythingStayOnTheirLine() throws Exception {
        Path file = folder.resolve("odd.gguf");
        GgufWriter.write(file, Map.of("key\nwith \u001b[31m", new GgufValue.Text("a\nb")), List.of(new GgufWriter.TensorEntry("t\n\u0085", DType.F32,
                List.of(1L), out -> out.write(ByteBuffer.allocate(4)))), GgufWriter.Progress.NONE);
        List<String> lines = CliRun.good("inspect", file.toString()).lines().toList();
        assertEquals("  key\\u000awith \\u001b[31m  \"a\\nb\"", lines.get(3));
        assertTrue(lines.get(6).startsWith("  t\\u000a\\u0085  F32"), lines.get(6));
        assertEquals("cannot be loaded:", lines.get(lines.size() - 2));
    }

    private DType type(String file, String tensor) throws Exception {
        try (GgufFile open = GgufFile.open(folder.resolve(file))) {
            return open.get(tensor).type();
        }
    }

    @Test
    void quantizeHarmsNoFile() throws Exception {
        Path model = Files.copy(DemoModel.path(), folder.resolve("m.gguf"));
        assertTrue(CliRun.bad(2, "quantize", model.toString(), folder.resolve(".").resolve("m.gguf").toString(), "--type", "Q8_0")
                .contains("m.gguf"));
        assertArrayEquals(Files.readAllBytes(DemoModel.path()), Files.readAllBytes(model));

        Path broken = Files.write(folder.resolve("broken.gguf"), Arrays.copyOf(Files.readAllBytes(model), 1_000_000));
        CliRun.bad(2, "quantize", broken.toString(), folder.resolve("x.gguf").toString(), "--type", "Q8_0");
        CliRun.bad(2, "quantize", model.toString(), folder.resolve("absent/x.gguf").toString(), "--type", "Q8_0");
        CliRun.bad(2, "quantize", model.toString(), folder.toString(), "--type", "Q8_0");
        try (var files = Files.list(folder)) {
            assertEquals(List.of("broken.gguf", "m.gguf"), files.map(f -> f.getFileName().toString()).sorted().toList());
        }
    }
}
