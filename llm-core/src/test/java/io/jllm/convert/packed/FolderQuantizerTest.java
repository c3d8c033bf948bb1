package io.jllm.convert.packed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.ModelLoadException;
import io.jllm.convert.packed.PackMethod.Awq;
import io.jllm.convert.packed.PackMethod.Gptq;
import io.jllm.convert.packed.PackMethod.Nearest;
import io.jllm.convert.packed.PackMethod.Numbers;
import io.jllm.load.ModelFiles;
import io.jllm.model.GoldenModel;
import io.jllm.quant.DType;
import io.jllm.quant.safetensors.SafetensorsFile;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.ReferenceBackend;
import io.jllm.spi.TinyModels;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole folders, of tiny models. */
class FolderQuantizerTest {
    private static final Numbers FOUR = new Numbers(4, 32, false, true);
    private static final Gptq GPTQ = new Gptq(FOUR, false, false, true, 0.01);
    private static final FolderQuantizer.Text TEXT = new FolderQuantizer.Text(TinyFolder.TEXT, 40, 0);
    private static final List<Integer> IDS = List.of(1, 16, 6, 3, 7, 8, 9, 10, 11, 3, 16, 6, 3, 12, 13, 9);

    @TempDir
    private Path dir;

    private static void quantize(Path model, Path out, PackMethod method, FolderQuantizer.Progress progress) throws IOException {
        FolderQuantizer.quantize(model, out, method, TEXT, new ReferenceBackend(), 2, progress);
    }

    private Path quantized(Path model, String name, PackMethod method) throws IOException {
        Path out = dir.resolve(name);
        quantize(model, out, method, FolderQuantizer.Progress.NONE);
        return out;
    }

    private static float[] logits(Path folder) {
        try (var model = ModelFiles.open(folder);
                var runner = new ReferenceBackend().load(model.program(), model.weights(), new RunnerOptions(32, 1, 32, 8, 8, 0, DType.F32))) {
            runner.forward(TinyModels.single(IDS, 0, 8, IDS.size()));
            return runner.logits().asSlice(0, (long) IDS.size() * TinyFolder.VOCAB * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /** The root mean square of the differences of logits, as a share of that of logits. */
    private static double difference(Path folder, Path original) {
        float[] got = logits(folder);
        float[] want = logits(original);
        double errors = 0;
        double squares = 0;
        for (int i = 0; i < want.length; i++) {
            errors += Math.pow(got[i] - want[i], 2);
            squares += Math.pow(want[i], 2);
        }
        return Math.sqrt(errors / squares);
    }

    private static Map<String, String> files(Path folder) throws IOException {
        var all = new TreeMap<String, String>();
        try (var files = Files.list(folder)) {
            for (Path f : files.toList()) {
                all.put(f.getFileName().toString(), new String(Files.readAllBytes(f), StandardCharsets.ISO_8859_1));
            }
        }
        return all;
    }

    private static JsonObject quantization(Path folder) throws IOException {
        return JsonParser.parseString(Files.readString(folder.resolve("config.json"))).getAsJsonObject().getAsJsonObject("quantization_config");
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3", "phi3"})
    void nearerToTheOriginalThanRounding(String type) throws IOException {
        Path model = TinyFolder.write(dir.resolve("model"), type);
        double nearest = difference(quantized(model, "rtn", new Nearest(FOUR)), model);
        double gptq = difference(quantized(model, "gptq", GPTQ), model);
        double ordered = difference(quantized(model, "ordered", new Gptq(FOUR, true, true, false, 0.01)), model);
        double awq = difference(quantized(model, "awq", new Awq(32, true)), model);
        double eight = difference(quantized(model, "eight", new Gptq(new Numbers(8, -1, true, false), true, false, true, 0.01)), model);
        String all = type + ": " + nearest + ", " + gptq + ", " + ordered + ", " + awq + ", " + eight;
        assertTrue(nearest < 1 && eight < 0.02, all);
        assertTrue(gptq < nearest && ordered < nearest && awq < nearest, all);
    }

    /** Each expert by the tokens that it got; one that got none is rounded, which is told. */
    @Test
    void experts() throws IOException {
        Path model = TinyFolder.write(dir.resolve("model"), "qwen3_moe");
        double nearest = difference(quantized(model, "rtn", new Nearest(FOUR)), model);
        Path out = dir.resolve("gptq");
        var notes = new ArrayList<String>();
        quantize(model, out, GPTQ, new FolderQuantizer.Progress() {
            @Override
            public void at(double share) {
                assertTrue(share >= 0 && share <= 1);
            }

            @Override
            public void note(String message) {
                notes.add(message);
            }
        });
        double gptq = difference(out, model);
        double fixed = difference(quantized(model, "fixed", new Gptq(FOUR, true, true, false, 0.01)), model);
        assertTrue(gptq < nearest && fixed < nearest && nearest < 1, nearest + ", " + gptq + ", " + fixed);
        assertEquals(4, notes.size(), notes.toString()); // gate and up, and down, of two layers
        String last = String.valueOf(TinyFolder.EXPERTS - 1);
        assertTrue(notes.stream().allMatch(n -> n.contains("got fewer than 64 tokens") && n.contains(last)), notes.toString());
        try (var rounded = SafetensorsFile.open(dir.resolve("rtn").resolve("model.safetensors"));
                var after = SafetensorsFile.open(out.resolve("model.safetensors"))) {
            assertEquals(rounded.tensors().keySet(), after.tensors().keySet());
            for (String name : after.tensors().keySet()) {
                boolean same = rounded.tensors().get(name).data().mismatch(after.tensors().get(name).data()) < 0;
                if (name.contains("mlp.experts." + last + ".") || name.contains("mlp.gate.")) {
                    assertTrue(same, name);
                } else if (name.endsWith("o_proj.qweight")) {
                    assertFalse(same, name);
                }
            }
            assertTrue(after.tensors().containsKey("model.layers.0.mlp.gate.weight"), "what chooses stays as it was");
        }
        refused(ModelLoadException.class, "of which AWQ is not made here", model, new Awq(32, true), TEXT);
        refused(ModelLoadException.class, "give --static-groups with it", model, new Gptq(FOUR, true, false, true, 0.01), TEXT);
    }

    @Test
    void whatIsInTheFolder() throws IOException {
        Path model = TinyFolder.write(dir.resolve("model"), "llama");
        Path out = quantized(model, "out", new Gptq(new Numbers(4, 32, true, false), true, false, true, 0.02));
        assertEquals(Set.of("README.md", "config.json", "generation_config.json", "model.safetensors", "quantize_config.json", "tokenizer.model"),
                files(out).keySet());
        JsonObject said = quantization(out);
        assertEquals("gptq", said.get("quant_method").getAsString());
        assertEquals("gptq", said.get("checkpoint_format").getAsString());
        assertEquals("[4,32,true,true,false,true,0.02]", List.of("bits", "group_size", "sym", "desc_act", "static_groups", "true_sequential",
                "damp_percent").stream().map(k -> said.get(k).toString()).collect(Collectors.joining(",", "[", "]")));
        assertEquals(said, JsonParser.parseString(Files.readString(out.resolve("quantize_config.json"))));
        try (var before = SafetensorsFile.open(model.resolve("model.safetensors"));
                var after = SafetensorsFile.open(out.resolve("model.safetensors"))) {
            var want = new TreeSet<String>();
            for (String name : before.tensors().keySet()) {
                if (name.contains("_proj.weight")) {
                    List.of("qweight", "qzeros", "scales", "g_idx").forEach(kind -> want.add(name.replace("weight", kind)));
                } else {
                    want.add(name);
                    assertEquals(-1, before.tensors().get(name).data().mismatch(after.tensors().get(name).data()), name);
                }
            }
            assertEquals(want, new TreeSet<>(after.tensors().keySet()));
            int[] order = after.tensors().get("model.layers.1.mlp.up_proj.g_idx").data().toArray(ValueLayout.JAVA_INT_UNALIGNED);
            assertEquals(32, Arrays.stream(order).filter(g -> g == 0).count());
            assertEquals(0, order[3], "a large channel comes first");
            assertTrue(IntStream.range(1, order.length).anyMatch(i -> order[i] < order[i - 1]));
        }
        assertFalse(Files.exists(dir.resolve(".out.part")));
    }

    @Test
    void scalesOfAwqAreInNormsAndOtherMatrices() throws IOException {
        Path model = TinyFolder.write(dir.resolve("model"), "llama");
        Path out = quantized(model, "out", new Awq(-1, false));
        assertEquals("{'quant_method':'awq','bits':4,'group_size':-1,'zero_point':true,'version':'gemm','modules_to_not_convert':null}",
                quantization(out).toString().replace('"', '\''));
        try (var before = SafetensorsFile.open(model.resolve("model.safetensors"));
                var after = SafetensorsFile.open(out.resolve("model.safetensors"))) {
            for (String name : List.of("input_layernorm.weight", "post_attention_layernorm.weight", "self_attn.v_proj.bias", "mlp.up_proj.bias")) {
                String full = "model.layers.0." + name;
                assertTrue(before.tensors().get(full).data().mismatch(after.tensors().get(full).data()) >= 0, name);
            }
            for (String name : List.of("self_attn.q_proj.bias", "self_attn.o_proj.bias", "mlp.gate_proj.bias", "mlp.down_proj.bias")) {
                String full = "model.layers.0." + name;
                assertEquals(-1, before.tensors().get(full).data().mismatch(after.tensors().get(full).data()), name);
            }
        }
    }

    /** Quantises a folder, and dies when a share is done, if it comes to that. */
    public static void main(String[] args) throws IOException {
        quantize(Path.of(args[0]), Path.of(args[1]), GPTQ, share -> {
            if (share > Double.parseDouble(args[2])) {
                Runtime.getRuntime().halt(9);
            }
        });
    }

    private void breakOff(Path model, Path out, double share) throws Exception {
        var process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx128m",
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), FolderQuantizerTest.class.getName(),
                model.toString(), out.toString(), Double.toString(share)).inheritIO().start();
        assertEquals(9, process.waitFor());
        assertFalse(Files.exists(out), "it appears when it is whole");
    }

    @Test
    void whatIsKilledGoesOn() throws Exception {
        Path model = TinyFolder.write(dir.resolve("model"), "llama");
        Path whole = quantized(model, "whole", GPTQ);
        Path out = dir.resolve("out");
        breakOff(model, out, 0.7); // in the second of two layers
        var shares = new ArrayList<Double>();
        quantize(model, out, GPTQ, shares::add);
        assertTrue(shares.getFirst() == 0.5 && shares.getLast() == 1, shares.toString());
        assertEquals(files(whole), files(out));
        assertFalse(Files.exists(dir.resolve(".out.part")));
        Path other = dir.resolve("other");
        breakOff(model, other, 0.7);
        shares.clear();
        quantize(model, other, new Awq(32, true), shares::add);
        assertTrue(shares.getFirst() < 0.1, "begun anew for another result");
        assertEquals("awq", quantization(other).get("quant_method").getAsString());
        Path third = dir.resolve("third");
        breakOff(model, third, 0.2); // in the first
        quantize(model, third, GPTQ, FolderQuantizer.Progress.NONE);
        assertEquals(files(whole), files(third));
    }

    @Test
    void asManyThreadsAsYouLike() throws IOException {
        Path model = TinyFolder.write(dir.resolve("model"), "qwen3");
        for (PackMethod method : List.of(GPTQ, new Awq(32, true))) {
            Path one = dir.resolve("one-" + method.getClass().getSimpleName());
            FolderQuantizer.quantize(model, one, method, TEXT, new ReferenceBackend(), 1, FolderQuantizer.Progress.NONE);
            Path three = dir.resolve("three-" + method.getClass().getSimpleName());
            FolderQuantizer.quantize(model, three, method, TEXT, new ReferenceBackend(), 3, FolderQuantizer.Progress.NONE);
            assertEquals(files(one), files(three));
        }
    }

    private void refused(Class<? extends Exception> kind, String reason, Path model, PackMethod method, FolderQuantizer.Text text) {
        Path out = dir.resolve("refused");
        var e = assertThrows(kind,
                () -> FolderQuantizer.quantize(model, out, method, text, new ReferenceBackend(), 1, FolderQuantizer.Progress.NONE));
        assertTrue(e.getMessage().contains(reason), e.getMessage());
        assertFalse(Files.exists(out) || Files.exists(dir.resolve(".refused.part")), "nothing is left");
    }

    @Test
    void refusals() throws IOException {
        Path model = TinyFolder.write(dir.resolve("model"), "llama");
        refused(ModelLoadException.class, "rows of 96 weights, which groups of 64 do not fill", model, new Awq(64, true), TEXT);
        refused(IllegalArgumentException.class, "this one has", model, GPTQ, new FolderQuantizer.Text("the", 40, 0));
        refused(IllegalArgumentException.class, "longer than the model's context, 64", model, GPTQ,
                new FolderQuantizer.Text(TinyFolder.TEXT, 65, 0));
        refused(ModelLoadException.class, "is no Hugging Face folder", dir.resolve("absent"), GPTQ, TEXT);
        Path packed = quantized(model, "packed", new Nearest(FOUR));
        refused(ModelLoadException.class, "quantised already", packed, GPTQ, TEXT);
        Files.delete(model.resolve("tokenizer.model"));
        refused(ModelLoadException.class, "has no tokenizer", model, GPTQ, TEXT);
        Path odd = GoldenModel.unpack("llama-tied", "config.json", dir);
        refused(ModelLoadException.class, "multiples of 32 and 32", odd, new Nearest(new Numbers(4, -1, true, false)), FolderQuantizer.Text.NONE);
        assertThrows(IllegalArgumentException.class, () -> new Numbers(5, 32, true, false));
        assertThrows(IllegalArgumentException.class, () -> new Awq(0, true));
        assertThrows(IllegalArgumentException.class, () -> new Gptq(FOUR, false, false, true, 0));
        assertThrows(IllegalArgumentException.class, () -> new FolderQuantizer.Text("", 5, 0));
        Path there = Files.createDirectories(dir.resolve("there"));
        Files.writeString(there.resolve("file"), "");
        var e = assertThrows(IOException.class, () -> quantize(odd, there, GPTQ, FolderQuantizer.Progress.NONE));
        assertTrue(e.getMessage().contains("it is there already"), e.getMessage());
        assertArrayEquals(new String[] {"file"}, there.toFile().list());
    }
}
