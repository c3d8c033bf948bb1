package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.convert.Converter;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.ReferenceBackend;
import io.jllm.spi.ReferenceRunner;
import io.jllm.spi.TinyModels;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That a family is one file: one that nobody here knows runs on a backend, from a folder and from the GGUF file that is made of it. */
public abstract class FamilyContract {
    private static final List<Architecture> MORE = List.of(new PatchworkFamily());
    private static final int WIDTH = 32;
    private static final int FFN = 40;
    private static final int VOCAB = 50;
    private static final int[] HEADS = {4, 2, 4, 2};
    private static final int[] KV_HEADS = {2, 1, 4, 2};
    private static final int HEAD_DIM = 8;
    private static final int BLOCK = 4;

    private static final String CONFIG = """
            {"model_type": "patchwork", "n_blocks": 4, "width": 32, "intermediate_size": 40, "vocab_size": 50, "blend": "none",
             "head_size": 8, "heads_by_block": [4, 2, 4, 2], "kv_heads_by_block": [2, 1, 4, 2], "windows_by_block": [0, 5, 0, 7],
             "block_kinds": ["wide", "local", "wide", "local"],
             "attention_scale": 0.375, "score_cap": 4.0, "query_bias": true, "rms_norm_eps": 1e-5, "hidden_act": "gelu_pytorch_tanh",
             "max_position_embeddings": 128,
             "rope_parameters": {
               "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0, "partial_rotary_factor": 0.5},
               "sliding_attention": {"rope_type": "default", "rope_theta": 100.0}}}
            """;

    @TempDir
    public Path temp;
    /** The model as a Hugging Face folder, and as the file that is made of it. */
    protected Path folder;
    protected Path gguf;

    private final Map<String, float[]> stored = new LinkedHashMap<>();

    /** Opens the backend with that many threads; the contract closes it. */
    protected abstract Backend open(int threads);

    @BeforeEach
    final void write() throws IOException {
        folder = Files.createDirectory(temp.resolve("patchwork"));
        gguf = temp.resolve("patchwork.gguf");
        Files.writeString(folder.resolve("config.json"), CONFIG);
        var shapes = new LinkedHashMap<String, int[]>();
        shapes.put("trunk.table.weight", new int[] {VOCAB, WIDTH});
        for (int l = 0; l < HEADS.length; l++) {
            String block = "trunk.blocks." + l + ".";
            shapes.put(block + "before.weight", new int[] {WIDTH});
            shapes.put(block + "fused.weight", new int[] {2 * FFN, WIDTH});
            shapes.put(block + "down.weight", new int[] {WIDTH, FFN});
            shapes.put(block + "between.weight", new int[] {WIDTH});
            shapes.put(block + "mix.query.weight", new int[] {HEADS[l] * HEAD_DIM, WIDTH});
            shapes.put(block + "mix.query.bias", new int[] {HEADS[l] * HEAD_DIM});
            shapes.put(block + "mix.key.weight", new int[] {KV_HEADS[l] * HEAD_DIM, WIDTH});
            shapes.put(block + "mix.value.weight", new int[] {KV_HEADS[l] * HEAD_DIM, WIDTH});
            shapes.put(block + "mix.back.weight", new int[] {WIDTH, HEADS[l] * HEAD_DIM});
        }
        shapes.put("trunk.end.weight", new int[] {WIDTH});
        safetensors(folder.resolve("model.safetensors"), shapes);
        Converter.convert(folder, gguf, Converter.Options.of(DType.F32), Converter.Progress.NONE, MORE);
    }

    /** Random values of about a third, as F32. */
    private void safetensors(Path file, Map<String, int[]> shapes) throws IOException {
        var header = new StringBuilder("{");
        var random = new Random(1);
        int at = 0;
        for (var e : shapes.entrySet()) {
            int count = IntStream.of(e.getValue()).reduce(1, (a, b) -> a * b);
            var values = new float[count];
            for (int i = 0; i < count; i++) {
                values[i] = (float) random.nextGaussian() / 3;
            }
            stored.put(e.getKey(), values);
            header.append(at == 0 ? "" : ", ").append('"').append(e.getKey()).append("\": {\"dtype\": \"F32\", \"shape\": ")
                    .append(IntStream.of(e.getValue()).boxed().toList()).append(", \"data_offsets\": [").append(at).append(", ")
                    .append(at + 4 * count).append("]}");
            at += 4 * count;
        }
        byte[] json = header.append("}").toString().getBytes(StandardCharsets.UTF_8);
        var bytes = ByteBuffer.allocate(8 + json.length + at).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json);
        stored.values().forEach(values -> {
            for (float v : values) {
                bytes.putFloat(v);
            }
        });
        Files.write(file, bytes.array());
    }

    @Test
    final void folderAndFileGiveTheSameLogits() {
        try (var a = ModelFiles.open(folder, MORE); var b = ModelFiles.open(gguf, MORE);
                var backend = open(2); var oracle = new ReferenceBackend()) {
            float[] want = logits(oracle, a);
            same(want, logits(oracle, b), 1e-6);
            same(want, logits(backend, a), 1e-5);
            same(want, logits(backend, b), 1e-5);
        }
    }

    @Test
    final void numbersAndTensorsAreTheFamilys() {
        try (var a = ModelFiles.open(folder, MORE); var b = ModelFiles.open(gguf, MORE)) {
            for (LoadedModel m : List.of(a, b)) {
                assertEquals("patchwork", m.config().architecture());
                assertEquals(List.of(0, 5, 0, 7), m.config().windows());
                assertEquals(IntStream.range(0, HEADS.length).mapToObj(l -> new CachedLayer(l, KV_HEADS[l], HEAD_DIM)).toList(),
                        m.program().cachedLayers());
                var ropes = m.program().ops().stream().flatMap(op -> op instanceof HeadOp.RopeStoreKv r ? Stream.of(r.rope())
                        : Stream.empty()).toList();
                assertEquals(ropes.get(0), ropes.get(2));
                assertEquals(ropes.get(1), ropes.get(3));
                assertNotEquals(ropes.get(0), ropes.get(1));
                assertEquals(HEAD_DIM / 2, ropes.get(0).rotaryDim());
                assertEquals(0.5f, ropes.get(0).invFreq()[0], "scaled");
                assertArrayEquals(new float[] {1, (float) Math.pow(100, -0.25), 0.1f, (float) Math.pow(100, -0.75)}, ropes.get(1).invFreq(), 1e-7f);
                assertEquals(m == a ? Rope.Layout.NEOX : Rope.Layout.INTERLEAVED, ropes.get(1).layout());
                float[] norm = ReferenceRunner.floats(m.weights().tensor("blk.2.mix_norm.weight"));
                for (int i = 0; i < WIDTH; i++) {
                    assertEquals(1 + stored.get("trunk.blocks.2.between.weight")[i], norm[i]);
                }
                assertEquals(FFN, m.weights().get("blk.3.up.weight").rows());
            }
            assertEquals(a.config().rope(), b.config().rope());
        }
    }

    @Test
    final void othersDoNotKnowIt() {
        for (Path path : List.of(folder, gguf)) {
            assertTrue(assertThrows(ModelLoadException.class, () -> ModelFiles.open(path)).getMessage()
                    .contains("unknown model family \"patch"), path.toString());
        }
    }

    @Test
    final void messagesNameItsOwnKeys() throws IOException {
        fails("\"width\": 32", "\"width\": -1", "config.json: width is -1; it must be from 1 to 1048576");
        fails("[4, 2, 4, 2]", "[4, 2, 4]", "config.json: heads_by_block has 3 values; the model has 4 layers");
        fails("\"n_blocks\": 4", "\"n_layer\": null", "config.json: n_layer is null; it must be from 1 to 10000");
        fails("\"blend\": \"none\"", "\"blend\": \"much\"", "config.json: blend is \"much\"; supported is none");
        fails("gelu_pytorch_tanh", "relu", "config.json: hidden_act is \"relu\"; supported are gelu_pytorch_tanh, silu");
        fails("\"partial_rotary_factor\": 0.5", "\"partial_rotary_factor\": 0.4", "which leaves 3 of the 8 dimensions of a head to be turned");
        fails("\"score_cap\": 4.0", "\"score_cap\": 0.0", "config.json: score_cap is 0.0; it must be above 0");
    }

    private void fails(String from, String to, String message) throws IOException {
        assertNotEquals(CONFIG, CONFIG.replace(from, to));
        Files.writeString(folder.resolve("config.json"), CONFIG.replace(from, to));
        String said = assertThrows(ModelLoadException.class, () -> ModelFiles.open(folder, MORE)).getMessage();
        assertTrue(said.contains(message), said);
    }

    /** Of all tokens of a text that is longer than the windows, then of one more. */
    private static float[] logits(Backend backend, LoadedModel model) {
        var text = IntStream.range(0, 21).mapToObj(i -> (7 * i + 3) % VOCAB).toList();
        assertEquals(List.of(), backend.unsupported(model.program(), model.weights()));
        try (var runner = backend.load(model.program(), model.weights(), new Backend.RunnerOptions(32, 1, 32, BLOCK, 8, 0, DType.F32))) {
            runner.forward(TinyModels.single(text.subList(0, 20), 0, BLOCK, 20));
            float[] all = runner.logits().asSlice(0, 20L * VOCAB * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
            runner.forward(TinyModels.single(text.subList(20, 21), 20, BLOCK, 1));
            float[] last = runner.logits().asSlice(0, (long) VOCAB * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
            var both = Arrays.copyOf(all, all.length + last.length);
            System.arraycopy(last, 0, both, all.length, last.length);
            return both;
        }
    }

    private static void same(float[] want, float[] got, double tolerance) {
        double largest = 0;
        for (float w : want) {
            largest = Math.max(largest, Math.abs(w));
        }
        assertTrue(largest > 0.1, "logits up to " + largest);
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], got[i], tolerance * largest, "logit " + i % VOCAB + " of token " + i / VOCAB);
        }
    }
}
