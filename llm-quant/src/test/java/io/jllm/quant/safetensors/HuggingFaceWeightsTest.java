package io.jllm.quant.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.safetensors.HuggingFaceNames.Part;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import io.jllm.quant.safetensors.HuggingFaceNames.Split;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceWeightsTest {
    private static final HuggingFaceNames FUSED = HuggingFaceNames.LLAMA.with(
            new Split("model.layers.*.self_attn.qkv_proj", List.of(new Part("blk.*.attn_q", 3), new Part("blk.*.attn_k", 1), new Part("blk.*.attn_v",
            1))),
            new Split("model.layers.*.mlp.gate_up_proj", List.of(new Part("blk.*.ffn_gate", 2), new Part("blk.*.ffn_up", 2))));

    @TempDir
    private Path dir;

    @ParameterizedTest
    @CsvSource({"model.embed_tokens.weight, token_embd.weight", "model.norm.weight, output_norm.weight", "lm_head.weight, output.weight",
        "model.layers.0.input_layernorm.weight, blk.0.attn_norm.weight", "model.layers.31.self_attn.q_proj.weight, blk.31.attn_q.weight",
        "model.layers.7.self_attn.q_proj.bias, blk.7.attn_q.bias", "model.layers.7.self_attn.k_proj.weight, blk.7.attn_k.weight",
        "model.layers.7.self_attn.v_proj.bias, blk.7.attn_v.bias", "model.layers.7.self_attn.o_proj.weight, blk.7.attn_output.weight",
        "model.layers.7.self_attn.q_norm.weight, blk.7.attn_q_norm.weight", "model.layers.7.self_attn.k_norm.weight, blk.7.attn_k_norm.weight",
        "model.layers.7.post_attention_layernorm.weight, blk.7.ffn_norm.weight", "model.layers.7.mlp.gate_proj.weight, blk.7.ffn_gate.weight",
        "model.layers.7.mlp.up_proj.weight, blk.7.ffn_up.weight", "model.layers.7.mlp.down_proj.bias, blk.7.ffn_down.bias",
        "model.layers.2.self_attn.q_proj.weight.quant_state.bitsandbytes__nf4, blk.2.attn_q.weight.quant_state.bitsandbytes__nf4",
        "model.layers.x.mlp.up_proj.weight, model.layers.x.mlp.up_proj.weight",
        "model.layers.0.rotary_emb.inv_freq, model.layers.0.rotary_emb.inv_freq",
        "model.normal.weight, model.normal.weight", "other, other", "a..b., a..b."})
    void names(String from, String to) {
        assertEquals(new Rename(from, to), HuggingFaceNames.LLAMA.resolve(from));
    }

    @Test
    void tablesTakeRulesOfOtherFamilies() {
        assertEquals(new Split("model.layers.4.mlp.gate_up_proj.weight", List.of(new Part("blk.4.ffn_gate.weight", 2), new Part("blk.4.ffn_up.weight",
                2))),
                FUSED.resolve("model.layers.4.mlp.gate_up_proj.weight"));
        // packed formats do not keep one row to a row
        assertEquals(new Rename("model.layers.4.mlp.gate_up_proj.qweight", "model.layers.4.mlp.gate_up_proj.qweight"),
                FUSED.resolve("model.layers.4.mlp.gate_up_proj.qweight"));
        var table = HuggingFaceNames.LLAMA.with(new Rename("layers.*.experts.*.w1", "blk.*.ffn_gate.*"), new Rename("model.norm", "last_norm"));
        assertEquals(new Rename("layers.3.experts.11.w1.weight", "blk.3.ffn_gate.11.weight"), table.resolve("layers.3.experts.11.w1.weight"));
        assertEquals(new Rename("model.norm.weight", "last_norm.weight"), table.resolve("model.norm.weight"));
        assertEquals(new Rename("model.norm.weight", "output_norm.weight"), HuggingFaceNames.LLAMA.resolve("model.norm.weight"));
        assertThrows(IllegalArgumentException.class, () -> new Rename("a.*", "b"));
        assertThrows(IllegalArgumentException.class, () -> new Split("a.*", List.of(new Part("b", 1))));
        assertThrows(IllegalArgumentException.class, () -> new Split("a", List.of()));
        assertThrows(IllegalArgumentException.class, () -> new Part("a", 0));
    }

    @Test
    void veryLongNamesTakeNoTime() {
        String name = "1.".repeat(1 << 20);
        assertEquals(new Rename(name, name), HuggingFaceNames.LLAMA.resolve(name));
    }

    @Test
    void oneFile() throws IOException {
        Files.write(dir.resolve("model.safetensors"), new Safetensors()
                .add("model.embed_tokens.weight", DType.F16, List.of(2, 3), 1, 2, 3, 4, 5, 6)
                .add("model.norm.weight", DType.BF16, List.of(3), 7, 8, 9)
                .add("lm_head.weight", "BOOL", List.of(2, 3), new byte[6])
                .add("extra.scale", DType.F32, List.of(), 0.5f).bytes());
        Tensor t;
        try (var w = HuggingFaceWeights.open(dir)) {
            assertEquals(Set.of("token_embd.weight", "output_norm.weight", "extra.scale"), w.names());
            t = w.tensor("token_embd.weight");
            assertEquals("token_embd.weight", t.name());
            assertEquals(2, t.rows());
            assertEquals(3, t.cols());
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, values(t));
            assertArrayEquals(new float[] {7, 8, 9}, values(w.tensor("output_norm.weight")));
            assertArrayEquals(new float[] {0.5f}, values(w.tensor("extra.scale")));
            assertTrue(w.find("model.norm.weight").isEmpty());
            var e = assertThrows(FormatException.class, () -> w.tensor("output.weight"));
            assertTrue(e.getMessage().contains("BOOL") && e.getMessage().contains("lm_head.weight"), e.getMessage());
            assertThrows(IllegalArgumentException.class, () -> w.tensor("blk.0.attn_q.weight"));
        }
        assertThrows(IllegalStateException.class, () -> values(t));
    }

    @Test
    void shards() throws IOException {
        Files.write(dir.resolve("one.safetensors"), new Safetensors().add("model.norm.weight", DType.F32, List.of(2), 1, 2)
                .add("left.out", DType.F32, List.of(1), 3).bytes());
        Files.write(dir.resolve("two.safetensors"), new Safetensors().add("lm_head.weight", DType.F32, List.of(1, 2), 5, 6).bytes());
        index("{\"metadata\":{\"total_size\":[16]},\"weight_map\":{\"lm_head.weight\":\"two.safetensors\",\"model.norm.weight\":\"one.safetensors\"}}");
        try (var w = HuggingFaceWeights.open(dir)) {
            assertEquals(Set.of("output_norm.weight", "output.weight"), w.names());
            assertArrayEquals(new float[] {1, 2}, values(w.tensor("output_norm.weight")));
            assertArrayEquals(new float[] {5, 6}, values(w.tensor("output.weight")));
        }
        index("{\"weight_map\":{\"lm_head.weight\":\"one.safetensors\"}}");
        refused("tensor lm_head.weight", "one.safetensors");
        index("{\"weight_map\":{\"lm_head.weight\":\"three.safetensors\"}}");
        refused("three.safetensors", "not in the folder");
        for (String bad : new String[] {"{}", "[]", "{\"weight_map\":{}}", "{\"weight_map\":{\"a\":1}}", "{\"weight_map\":", "",
            "{\"metadata\":" + "[".repeat(100_000)}) {
            index(bad);
            refused("model.safetensors.index.json");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"../outside.safetensors", "/etc/outside.safetensors", "sub/../../outside.safetensors", "..\\\\outside.safetensors",
        "C:outside.safetensors", "..", "", "outside.bin", "a\\u0000.safetensors"})
    void shardsStayInTheFolder(String name) throws IOException {
        Files.write(dir.resolve("outside.safetensors"), new Safetensors().add("a", DType.F32, List.of(1), 1).bytes());
        dir = Files.createDirectories(dir.resolve("model/sub"));
        index("{\"weight_map\":{\"a\":\"" + name + "\"}}");
        refused("must be the plain name");
    }

    @Test
    void fusedTensorsAreCutByRows() throws IOException {
        Files.write(dir.resolve("model.safetensors"), new Safetensors()
                .add("model.layers.1.self_attn.qkv_proj.weight", DType.F32, List.of(5, 2), 0, 1, 10, 11, 20, 21, 30, 31, 40, 41)
                .add("model.layers.1.self_attn.qkv_proj.bias", DType.F16, List.of(5), 0, 1, 2, 3, 4)
                .add("model.layers.1.mlp.gate_up_proj.weight", DType.F32, List.of(4, 1), 1, 2, 3, 4).bytes());
        try (var w = HuggingFaceWeights.open(dir, FUSED)) {
            assertEquals(8, w.names().size());
            assertEquals(3, w.tensor("blk.1.attn_q.weight").rows());
            assertArrayEquals(new float[] {0, 1, 10, 11, 20, 21}, values(w.tensor("blk.1.attn_q.weight")));
            assertArrayEquals(new float[] {30, 31}, values(w.tensor("blk.1.attn_k.weight")));
            assertArrayEquals(new float[] {40, 41}, values(w.tensor("blk.1.attn_v.weight")));
            assertEquals(1, w.tensor("blk.1.attn_q.bias").rows());
            assertArrayEquals(new float[] {0, 1, 2}, values(w.tensor("blk.1.attn_q.bias")));
            assertArrayEquals(new float[] {4}, values(w.tensor("blk.1.attn_v.bias")));
            assertArrayEquals(new float[] {3, 4}, values(w.tensor("blk.1.ffn_up.weight")));
        }
        Files.write(dir.resolve("model.safetensors"), new Safetensors()
                .add("model.layers.1.self_attn.qkv_proj.weight", DType.F32, List.of(6, 1), 1, 2, 3, 4, 5, 6).bytes());
        var e = assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir, FUSED));
        assertTrue(e.getMessage().contains("6 rows") && e.getMessage().contains("blk.1.attn_q.weight of 3"), e.getMessage());
    }

    @Test
    void foldersWithoutWeights() throws IOException {
        refused("model.safetensors");
        Path file = Files.writeString(dir.resolve("file"), "");
        assertTrue(assertThrows(FormatException.class, () -> HuggingFaceWeights.open(file)).getMessage().contains("not a folder"));
        Files.write(dir.resolve("model.safetensors"), new Safetensors().add("lm_head.weight", DType.F32, List.of(1), 1)
                .add("output.weight", DType.F32, List.of(1), 1).bytes());
        refused("output.weight", "already");
    }

    @Test
    void foldersOfOthers() throws IOException {
        Path models = Path.of(System.getProperty("jllm.shared", ""), "models");
        assumeTrue(!System.getProperty("jllm.shared", "").isEmpty() && Files.isDirectory(models), "needs models/ under -Djllm.shared");
        try (var w = HuggingFaceWeights.open(models.resolve("fairytale-23m/hf"))) {
            assertEquals(2 + 6 * 9, w.names().size());
            assertEquals(8192, w.tensor("token_embd.weight").rows());
            assertEquals(1536, w.tensor("blk.5.ffn_down.weight").cols());
        }
        try (var w = HuggingFaceWeights.open(models.resolve("TinyStories-656K"))) {
            assertTrue(w.names().stream().noneMatch(n -> n.startsWith("model.")), w.names().toString());
        }
    }

    private void index(String json) throws IOException {
        Files.writeString(dir.resolve("model.safetensors.index.json"), json);
    }

    private void refused(String... words) {
        var e = assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
        for (String word : words) {
            assertTrue(e.getMessage().contains(word), word + " is not in: " + e.getMessage());
        }
        assertTrue(e.getMessage().lines().count() == 1, e.getMessage());
    }

    private static float[] values(Tensor t) {
        float[] values = new float[(int) (t.rows() * t.cols())];
        Codec.of(t.type()).orElseThrow().decode(t.data(), 0, values, 0, values.length);
        return values;
    }
}
