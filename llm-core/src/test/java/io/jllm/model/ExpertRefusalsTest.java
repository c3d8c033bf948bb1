package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.ModelLoadException;
import io.jllm.load.ModelFiles;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What families with experts do not compute is refused by name, and so are families that keep a recurrent state. */
class ExpertRefusalsTest {
    @TempDir
    private Path temp;

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "deepseek_v2 greedy, yarn of two magnitudes | moe_layer_freq | 2 | moe_layer_freq is 2; supported is 1",
        "deepseek_v2 greedy, yarn of two magnitudes | scoring_func | \"sigmoid\" | scoring_func is \"sigmoid\"; supported is softmax",
        "deepseek_v2 greedy, yarn of two magnitudes | topk_method | \"noaux_tc\" | topk_method is \"noaux_tc\"; supported are greedy, "
                + "group_limited_greedy",
        "deepseek_v2 greedy, yarn of two magnitudes | num_key_value_heads | 2 | num_key_value_heads is 2; latent attention supports only as many as",
        "deepseek_v2 greedy, yarn of two magnitudes | hidden_act | \"gelu\" | hidden_act is \"gelu\"; supported is silu",
        "deepseek_v2 with groups, biases and yarn | n_group | 3 | n_group is 3; it must divide n_routed_experts, 8, into groups of 1 or more",
        "deepseek_v2 with groups, biases and yarn | topk_group | 1 | topk_group is 1: groups of 2 experts, fewer in all than num_experts_per_tok, 3",
        "deepseek_v2 with groups, biases and yarn | topk_group | 5 | topk_group is 5; it must be from 1 to 4",
        "deepseek_v3 with halves and biases | scoring_func | \"softmax\" | scoring_func is \"softmax\"; supported is sigmoid",
        "deepseek_v3 with halves and biases | topk_method | \"greedy\" | topk_method is \"greedy\"; supported is noaux_tc",
        "deepseek_v3 with halves and biases | n_group | 4 | n_group is 4; it must divide n_routed_experts, 4, into groups of 2 or more",
        "deepseek_v3 with halves and biases | qk_rope_head_dim | 3 | qk_rope_head_dim is 3; it must be even",
        "glm4_moe with groups | n_shared_experts | 0 | n_shared_experts is 0; it must be from 1 to",
        "phimoe with a window | num_experts_per_tok | 1 | num_experts_per_tok is 1; supported is 2",
        "mixtral with a window | num_local_experts | 0 | num_local_experts is 0; it must be from 1 to",
        "mixtral with a window | num_experts_per_tok | 4 | num_experts_per_tok is 4; it must be from 1 to 3",
        "gpt_oss without biases, other layers | swiglu_limit | 5.0 | swiglu_limit is 5.0; supported is 7",
        "gpt_oss without biases, other layers | layer_types | [\"full_attention\"] | layer_types has 1 entries",
        "llama4 with lists | layer_types | [\"full_attention\", \"sliding_attention\", \"full_attention\"] | "
                + "layer_types has \"sliding_attention\"; supported are full_attention and chunked_attention",
        "llama4 with lists | no_rope_layers | [1] | no_rope_layers is 1; it must be from 3",
        "qwen2_moe with layer types | decoder_sparse_step | 0 | decoder_sparse_step is 0; it must be from 1",
        "qwen2_moe with layer types | quantization_config | {\"quant_method\": \"hqq\"} | quantization_config says \"hqq\"",
        "gpt_oss without biases, other layers | quantization_config | {\"quant_method\": \"hqq\"} | quantization_config says \"hqq\"",
    })
    void switchesThatAreNotComputed(String title, String key, String value, String message) throws IOException {
        JsonObject model = ExpertSwitchesTest.models().stream().filter(m -> m.get("title").getAsString().equals(title)).findFirst().orElseThrow();
        var config = model.getAsJsonObject("config");
        config.add(key, JsonParser.parseString(value));
        Path folder = FormulaFolder.write(temp.resolve("x"), model);
        String said = assertThrows(ModelLoadException.class, () -> ModelFiles.open(folder).close()).getMessage();
        assertTrue(said.contains(message), said);
    }

    @ParameterizedTest
    @ValueSource(strings = {"lfm2", "qwen3_5", "qwen3_next", "mamba", "mamba2", "jamba", "rwkv", "falcon_h1", "granitemoehybrid",
        "nemotron_h", "bamba", "zamba2", "recurrent_gemma"})
    void foldersOfFamiliesWithARecurrentState(String type) throws IOException {
        Files.writeString(temp.resolve("config.json"), "{\"model_type\": \"" + type + "\"}");
        refused(temp, "config.json: model_type: the model family \"" + type + "\" keeps a recurrent state, which is not supported; "
                + "supported are llama, ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"lfm2", "qwen35", "qwen3next", "mamba", "jamba", "rwkv6", "falcon-h1", "granitehybrid", "nemotron_h_moe", "kimi-linear"})
    void filesOfFamiliesWithARecurrentState(String name) throws IOException {
        Path file = temp.resolve("x.gguf");
        GgufWriter.write(file, Map.of("general.architecture", new GgufValue.Text(name)), List.of(), GgufWriter.Progress.NONE);
        refused(file, "the model family \"" + name + "\" keeps a recurrent state, which is not supported");
    }

    @Test
    void othersAreUnknown() throws IOException {
        Files.writeString(temp.resolve("config.json"), "{\"model_type\": \"quixotic\"}");
        refused(temp, "unknown model family \"quixotic\"; supported are llama, ");
    }

    /** Only some of the layers of the cache of latent attention are as large as a head's: one key head of what is rotated and the latent vector. */
    @Test
    void theCacheOfLatentAttentionHoldsOneHead() throws IOException {
        JsonObject model = ExpertSwitchesTest.models().stream().filter(m -> m.get("title").getAsString().startsWith("deepseek_v3 with halves"))
                .findFirst().orElseThrow();
        try (var loaded = ModelFiles.open(FormulaFolder.write(temp.resolve("d"), model))) {
            assertEquals(List.of(new CachedLayer(0, 1, 20), new CachedLayer(1, 1, 20)), loaded.program().cachedLayers());
            assertEquals(2 * 2 * 20, loaded.program().kvFloatsPerToken());
            assertEquals(2 * 2 * 20, loaded.config().kvFloatsPerToken());
        }
    }

    private static void refused(Path model, String message) {
        String said = assertThrows(ModelLoadException.class, () -> ModelFiles.open(model).close()).getMessage();
        assertTrue(said.contains(message), said);
    }
}
