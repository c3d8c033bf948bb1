package io.jllm.quant.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.safetensors.HuggingFaceNames.Part;
import io.jllm.quant.safetensors.HuggingFaceNames.Split;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints that name the same tensors in other ways. */
class SpellingsTest {
    private static final List<String> NAMES = List.of("embed_tokens.weight", "norm.weight", "layers.0.input_layernorm.weight",
            "layers.0.self_attn.q_proj.weight", "layers.11.self_attn.k_proj.bias", "layers.0.self_attn.q_norm.weight",
            "layers.0.mlp.down_proj.weight", "layers.0.post_attention_layernorm.weight");
    private static final Set<String> WANTED = Set.of("token_embd.weight", "output_norm.weight", "blk.0.attn_norm.weight", "blk.0.attn_q.weight",
            "blk.11.attn_k.bias", "blk.0.attn_q_norm.weight", "blk.0.ffn_down.weight", "blk.0.ffn_norm.weight", "output.weight");

    @TempDir
    private Path dir;

    private static float value(HuggingFaceWeights weights, String name) {
        var tensor = weights.tensor(name);
        assertEquals(name, tensor.name());
        float[] one = new float[1];
        Codec.of(tensor.type()).orElseThrow().decode(tensor.data(), 0, one, 0, 1);
        return one[0];
    }

    private void write(String file, String... names) throws IOException {
        var tensors = new Safetensors();
        for (int i = 0; i < names.length; i++) {
            tensors.add(names[i], DType.F32, List.of(1), i + 1);
        }
        Files.write(dir.resolve(file), tensors.bytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.|", "|", "model.model.|model.", "module.model.|module.", "_orig_mod.model.|_orig_mod.",
        "base_model.model.model.|base_model.model.", "language_model.model.|language_model.", "model.language_model.|", "language_model.|",
        "module._orig_mod.|module._orig_mod."})
    void prefixes(String prefixes) throws IOException {
        String before = prefixes.substring(0, prefixes.indexOf('|'));
        String head = prefixes.substring(prefixes.indexOf('|') + 1) + "lm_head.weight";
        write("model.safetensors", java.util.stream.Stream.concat(NAMES.stream().map(n -> before + n), java.util.stream.Stream.of(head))
                .toArray(String[]::new));
        try (var weights = HuggingFaceWeights.open(dir)) {
            assertEquals(WANTED, weights.names());
            assertEquals(4, value(weights, "blk.0.attn_q.weight"));
            assertEquals(9, value(weights, "output.weight"));
        }
    }

    @Test
    void shardsWithoutPrefix() throws IOException {
        write("one.safetensors", "embed_tokens.weight", "layers.0.self_attn.q_proj.weight");
        write("two.safetensors", "layers.1.self_attn.q_proj.weight", "norm.weight");
        Files.writeString(dir.resolve("model.safetensors.index.json"), """
                {"metadata": {}, "weight_map": {"embed_tokens.weight": "one.safetensors", "norm.weight": "two.safetensors",
                 "layers.0.self_attn.q_proj.weight": "one.safetensors", "layers.1.self_attn.q_proj.weight": "two.safetensors"}}""");
        try (var weights = HuggingFaceWeights.open(dir)) {
            assertEquals(Set.of("token_embd.weight", "output_norm.weight", "blk.0.attn_q.weight", "blk.1.attn_q.weight"), weights.names());
            assertEquals(2, value(weights, "output_norm.weight"));
        }
    }

    @Test
    void fusedTensorsWithoutPrefix() throws IOException {
        var names = HuggingFaceNames.LLAMA.with(new Split("model.layers.*.mlp.gate_up_proj", List.of(new Part("blk.*.ffn_gate", 1),
                new Part("blk.*.ffn_up", 1))));
        Files.write(dir.resolve("model.safetensors"), new Safetensors().add("layers.3.mlp.gate_up_proj.weight", DType.F32, List.of(2, 1), 7, 8)
                .bytes());
        try (var weights = HuggingFaceWeights.open(dir, names)) {
            assertEquals(7, value(weights, "blk.3.ffn_gate.weight"));
            assertEquals(8, value(weights, "blk.3.ffn_up.weight"));
        }
    }

    @Test
    void theUsualSpellingComesFirst() throws IOException {
        write("model.safetensors", "norm.weight", "model.norm.weight", "layers.0.mlp.up_proj.weight");
        try (var weights = HuggingFaceWeights.open(dir)) {
            assertEquals(Set.of("output_norm.weight", "norm.weight", "blk.0.ffn_up.weight"), weights.names());
            assertEquals(2, value(weights, "output_norm.weight"));
            assertEquals(1, value(weights, "norm.weight"));
        }
        write("model.safetensors", "norm.weight", "module.norm.weight");
        var e = assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
        assertTrue(e.getMessage().contains("tensor module.norm.weight becomes output_norm.weight, which there is already"), e.getMessage());
    }

    /** What only looks like a part of the model keeps its name. */
    @Test
    void othersAreNotTaken() throws IOException {
        String[] strangers = {"vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight", "vision_model.embed_tokens.weight",
            "model.vision_tower.norm.weight", "mtp.layers.0.input_layernorm.weight", "encoder.layers.0.mlp.up_proj.weight",
            "layers.x.mlp.up_proj.weight",
            "score.weight", "model.model.model.model.model.model.norm.weight", "norms.weight", "transformer.wte.weight"};
        write("model.safetensors", strangers);
        try (var weights = HuggingFaceWeights.open(dir)) {
            assertEquals(Set.of(strangers), weights.names());
        }
    }

    @Test
    void typesThatCannotBeReadAreNamedInAnySpelling() throws IOException {
        Files.write(dir.resolve("model.safetensors"), new Safetensors().add("embed_tokens.weight", "U16", List.of(1), new byte[2]).bytes());
        try (var weights = HuggingFaceWeights.open(dir)) {
            var e = assertThrows(FormatException.class, () -> weights.tensor("token_embd.weight"));
            assertTrue(e.getMessage().contains("(embed_tokens.weight) is of type U16"), e.getMessage());
        }
        assertArrayEquals(new String[0], HuggingFaceNames.LLAMA.resolveRespelled("score.weight").stream().toArray());
    }
}
