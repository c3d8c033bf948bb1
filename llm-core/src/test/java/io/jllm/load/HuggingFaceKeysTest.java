package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.MapWeights;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.arch.Families;
import io.jllm.quant.gguf.GgufValue;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Keys of a {@code config.json}, and what those that are absent mean. */
class HuggingFaceKeysTest extends ConfigCase {
    @Test
    void absentKeysMeanWhatTransformersAssumes() {
        var c = model("llama", "");
        assertEquals(8, c.kvHeads());
        assertEquals(8, c.headDim());
        assertEquals(1e-6f, c.normEps());
        assertFalse(c.tiedEmbeddings());
        assertEquals(ModelConfig.Biases.NONE, c.biases());
        assertEquals(List.of(0, 0, 0, 0), c.windows());
        assertEquals(Rope.Layout.NEOX, c.rope().layout());
        assertEquals(10_000, parse("llama", "").ropeTheta());
    }

    /** What transformers 5 makes of {@code {"model_type": ...}} alone. */
    @ParameterizedTest
    @CsvSource({"llama, 32000, 4096, 11008, 32, 128, 2048, 0", "mistral, 32000, 4096, 14336, 8, 128, 131072, 4096",
        "qwen2, 151936, 4096, 22016, 32, 128, 32768, 0", "qwen3, 151936, 4096, 22016, 32, 128, 32768, 0"})
    void nothingSaidAtAll(String family, int vocab, int hidden, int ffn, int kvHeads, int headDim, int context, int window) {
        var c = Read.of(ConfigJson.parse("config.json", "{\"model_type\": \"" + family + "\"}"));
        assertEquals(new ModelConfig(family, 32, hidden, ffn, 32, kvHeads, headDim, vocab, context, 1e-6f, c.model().rope(),
                Collections.nCopies(32, window), false, new ModelConfig.Biases(family.equals("qwen2"), false, false)), c.model());
        assertEquals(10_000, c.ropeTheta());
        assertEquals(new RopeScaling.None(), c.scaling());
    }

    /** The same of families that differ in more: layers, hidden, ffn, heads, heads of keys, head, vocabulary, context, eps, base, tied. */
    @ParameterizedTest
    @CsvSource({
        "gemma, 28, 3072, 24576, 16, 16, 256, 256000, 8192, 1e-6, 10000, true", "gemma2, 26, 2304, 9216, 8, 4, 256, 256000, 8192, 1e-6, 10000, true",
        "gemma3_text, 26, 2304, 9216, 8, 4, 256, 262208, 131072, 1e-6, 1000000, true",
        "phi3, 32, 3072, 8192, 32, 32, 96, 32064, 4096, 1e-5, 10000, false", "olmo, 32, 4096, 11008, 32, 32, 128, 50304, 2048, 1e-5, 10000, false",
        "olmo2, 32, 4096, 11008, 32, 32, 128, 50304, 2048, 1e-5, 10000, false",
        "olmo3, 32, 4096, 11008, 32, 32, 128, 50304, 2048, 1e-5, 500000, false",
        "cohere, 40, 8192, 22528, 64, 64, 128, 256000, 8192, 1e-5, 500000, true",
        "cohere2, 40, 8192, 22528, 64, 64, 128, 256000, 8192, 1e-5, 10000, true",
        "glm, 40, 4096, 13696, 32, 2, 128, 151552, 131072, 1.5625e-7, 10000, false",
        "glm4, 40, 4096, 13696, 32, 2, 128, 151552, 131072, 1.5625e-7, 10000, false",
        "granite, 32, 4096, 11008, 32, 32, 128, 32000, 2048, 1e-6, 10000, false",
        "exaone4, 32, 4096, 16384, 32, 32, 128, 102400, 2048, 1e-5, 10000, false",
        "hunyuan_v1_dense, 32, 4096, 11008, 32, 32, 128, 290943, 2048, 1e-5, 10000, false",
        "ministral3, 34, 4096, 14336, 32, 8, 128, 131072, 262144, 1e-5, 1000000, false",
        "smollm3, 36, 2048, 11008, 16, 4, 128, 128256, 32768, 1e-6, 2000000, true",
        "ernie4_5, 18, 1024, 3072, 16, 2, 128, 103424, 131072, 1e-5, 500000, true",
        "seed_oss, 64, 4096, 27648, 80, 8, 128, 155136, 524288, 1e-6, 10000, false"})
    void nothingSaidOfOthers(String family, int layers, int hidden, int ffn, int heads, int kvHeads, int headDim, int vocab, int context, float eps,
            double base, boolean tied) {
        var c = HuggingFaceFamily.read(ConfigJson.parse("config.json", "{\"model_type\": \"" + family + "\"}"), Families.all()).model()
                .build(new MapWeights()).config();
        boolean biased = family.startsWith("glm") || family.equals("seed_oss");
        assertEquals(new ModelConfig(family, layers, hidden, ffn, heads, kvHeads, headDim, vocab, context, eps, c.rope(), c.windows(), tied,
                new ModelConfig.Biases(biased, false, false)), c);
        int dims = family.startsWith("glm") ? headDim / 2 : headDim;
        assertEquals(dims, c.rope().rotaryDim());
        assertEquals(Rope.frequencies(dims, base)[1], c.rope().invFreq()[1]);
    }

    /** W is a layer with a window of 4,096. */
    @ParameterizedTest
    @CsvSource({"gemma2, W.W.W.W.W.W.W.W.W.W.W.W.W.", "gemma3_text, WWWWW.WWWWW.WWWWW.WWWWW.WW", "olmo3, WWW.WWW.WWW.WWW.WWW.WWW.WWW.WWW.",
        "exaone4, WWW.WWW.WWW.WWW.WWW.WWW.WWW.WWW.", "cohere2, WWW.WWW.WWW.WWW.WWW.WWW.WWW.WWW.WWW.WWW."})
    void windowsThatAreNotSaid(String family, String layers) {
        var c = HuggingFaceFamily.read(ConfigJson.parse("config.json", "{\"model_type\": \"" + family + "\"}"), Families.all()).model()
                .build(new MapWeights()).config();
        assertEquals(layers.chars().mapToObj(l -> l == 'W' ? 4096 : 0).toList(), c.windows());
    }

    @Test
    void contextsOfCohere() {
        assertEquals(2048, model("cohere", "").maxContext());
        var json = ConfigJson.parse("config.json", "{\"model_type\": \"cohere\", " + SIZES + ", \"model_max_length\": 131072}");
        var read = HuggingFaceFamily.read(json, Families.all());
        assertEquals(131_072, read.model().build(new MapWeights()).config().maxContext());
        assertEquals(new GgufValue.Int(GgufValue.Type.UINT32, 131_072), read.gguf().orElseThrow().numbers().get("context_length"));
    }

    @Test
    void textsOfOtherModels() {
        var json = "{\"model_type\": \"%s\", \"text_config\": {\"model_type\": \"%s\", " + SIZES + "}}";
        var e = assertThrows(ModelLoadException.class, () -> Read.of(ConfigJson.parse("config.json", json.formatted("qwen2_vl", "qwen2"))));
        assertTrue(e.getMessage().startsWith("config.json: model_type is \"qwen2_vl\", with \"qwen2\" for text; of models of several media the text is "
                + "supported of mistral3 with mistral, ") && e.getMessage().contains(", gemma3 with gemma3_text"), e.getMessage());
        e = assertThrows(ModelLoadException.class, () -> Read.of(ConfigJson.parse("config.json", json.formatted("gemma3", "bert"))));
        assertTrue(e.getMessage().startsWith("config.json: text_config: model_type: unknown model family \"bert\""), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({"llama, 32, 32", "mistral, 32, 8", "mistral, 16, 8", "mistral, 4, 4", "qwen2, 64, 32", "qwen2, 8, 8", "qwen3, 64, 32",
            "qwen3, 16, 16"})
    void keyAndValueHeadsThatAreNotSaid(String family, int heads, int kvHeads) {
        var more = "\"num_attention_heads\": " + heads + ", \"hidden_size\": 512";
        assertEquals(kvHeads, model(family, more).kvHeads());
        assertEquals(heads, model(family, more + ", \"num_key_value_heads\": null").kvHeads());
    }

    @Test
    void anAbsurdContextIsNoReasonNotToLoad() {
        for (String context : new String[] {"0", "-1", "4294967295", "9007199254740992"}) {
            try (var warnings = new Warnings()) {
                assertEquals(32_768, model("qwen2", "\"max_position_embeddings\": " + context).maxContext());
                warnings.one("config.json: max_position_embeddings is " + context, "32768");
            }
        }
        assertEquals(131_072, model("mistral", "\"max_position_embeddings\": null").maxContext());
    }

    @Test
    void nullMeansAbsent() {
        var c = model("llama", """
                "num_key_value_heads": null, "head_dim": null, "rope_scaling": null, "rope_theta": null, "torch_dtype": null,
                "tie_word_embeddings": null, "attention_bias": null, "hidden_act": null, "quantization_config": null""");
        assertEquals(8, c.kvHeads());
        assertEquals(8, c.headDim());
    }

    @Test
    void givenKeysAreRead() {
        var c = model("llama", """
                "num_key_value_heads": 2, "head_dim": 32, "rms_norm_eps": 1e-05, "rope_theta": 500000.0,
                "tie_word_embeddings": true, "attention_bias": true, "mlp_bias": true""");
        assertEquals(2, c.kvHeads());
        assertEquals(32, c.headDim());
        assertEquals(16, c.rope().invFreq().length);
        assertEquals(1e-5f, c.normEps());
        assertTrue(c.tiedEmbeddings());
        assertEquals(new ModelConfig.Biases(true, true, true), c.biases());
    }

    @Test
    void familiesHaveTheirBiases() {
        assertEquals(new ModelConfig.Biases(true, false, false), model("qwen2", "").biases());
        assertEquals(new ModelConfig.Biases(true, true, false), model("qwen3", "\"attention_bias\": true").biases());
        assertEquals(ModelConfig.Biases.NONE, model("mistral", "\"attention_bias\": true").biases());
    }

    @Test
    void qwen3HasHeadsOf128UnlessItSaysOtherwise() {
        assertEquals(128, model("qwen3", "").headDim());
        assertEquals(16, model("qwen3", "\"head_dim\": 16").headDim());
    }

    @Test
    void windowsFollowTheFamily() {
        assertEquals(List.of(4096, 4096, 4096, 4096), model("mistral", "").windows());
        assertEquals(List.of(0, 0, 0, 0), model("mistral", "\"sliding_window\": null").windows());
        assertEquals(List.of(9, 9, 9, 9), model("mistral", "\"sliding_window\": 9").windows());
        assertEquals(List.of(0, 0, 0, 0), model("llama", "\"sliding_window\": 9").windows());
        assertEquals(List.of(0, 0, 0, 0), model("qwen2", "\"sliding_window\": 9, \"max_window_layers\": 2").windows());
        assertEquals(List.of(0, 0, 9, 9), model("qwen2",
                "\"use_sliding_window\": true, \"sliding_window\": 9, \"max_window_layers\": 2").windows());
        assertEquals(List.of(9, 0, 9, 0), model("qwen3", """
                "use_sliding_window": true, "sliding_window": 9, "max_window_layers": 2,
                "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]""").windows());
    }
}
