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
import io.jllm.model.Rotary;
import io.jllm.model.arch.Families;
import io.jllm.quant.gguf.GgufValue;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HuggingFaceKeysTest {
    private static final String SIZES = """
            "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 8,
            "vocab_size": 100, "max_position_embeddings": 2048""";

    /** What a family makes of a file, without tensors, and what the file says of the rotation. */
    private record Read(ModelConfig model, double ropeTheta, RopeScaling scaling) {
        static Read of(ConfigJson json) {
            var config = HuggingFaceFamily.read(json, Families.all()).model().build(new MapWeights()).config();
            var rope = HuggingFaceRope.of(json, Rotary.of(config.headDim(), config.maxContext()));
            return new Read(config, rope.theta(), rope.scaling());
        }
    }

    private static Read parse(String family, String more) {
        var json = "{\"model_type\": \"" + family + "\", " + SIZES + (more.isEmpty() ? "" : ", " + more) + "}";
        return Read.of(ConfigJson.parse("config.json", json));
    }

    private static ModelConfig model(String family, String more) {
        return parse(family, more).model();
    }

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

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "gemma | \"use_bidirectional_attention\": true | use_bidirectional_attention is true; supported is false",
        "gemma2 | \"hidden_activation\": \"silu\" | hidden_activation is \"silu\"; supported is gelu_pytorch_tanh",
        "gemma3_text | \"use_bidirectional_attention\": true | use_bidirectional_attention is true",
        "gemma | \"hidden_act\": \"gelu\", \"rope_parameters\": {\"rope_type\": \"default\"} | hidden_act is \"gelu\"; supported is gelu_pytorch_tanh",
        "gemma3_text | \"rope_parameters\": {\"sliding_attention\": {\"rope_type\": \"linear\", \"factor\": 2.0}} | rope_parameters: sliding_attention: rope_type is \"linear\"; for these layers this family supports only default",
        "gemma3_text | \"layer_types\": [\"full_attention\"] | layer_types has 1 entries; num_hidden_layers is 4",
        "phi3 | \"partial_rotary_factor\": 0.4 | partial_rotary_factor is 0.4, which leaves 3 of the 8 dimensions",
        "granite | \"partial_rotary_factor\": 0.5 | partial_rotary_factor is 0.5; this family supports only 1",
        "olmo | \"clip_qkv\": -1 | clip_qkv is -1.0; it must be above 0",
        "cohere | \"hidden_act\": \"gelu\" | hidden_act is \"gelu\"; supported is silu",
        "cohere2 | \"rotary_pct\": 0.5 | rotary_pct is 0.5; this family supports only 1",
        "cohere2 | \"use_parallel_block\": false | use_parallel_block is false; supported is true",
        "cohere2 | \"use_gated_activation\": false | use_gated_activation is false; supported is true",
        "cohere2 | \"order_of_interleaved_layers\": \"global_attn_first\" | order_of_interleaved_layers is \"global_attn_first\"; supported is local_attn_first",
        "cohere2 | \"position_embedding_type\": \"alibi\" | position_embedding_type is \"alibi\"; supported is rope_gptj",
        "exaone4 | \"sliding_window_pattern\": \"\" | sliding_window_pattern is empty",
        "hunyuan_v1_dense | \"use_cla\": true | use_cla is true; supported is false",
        "hunyuan_v1_dense | \"use_qk_norm\": false | use_qk_norm is false; supported is true",
        "hunyuan_v1_dense | \"use_rotary_pos_emb\": false | use_rotary_pos_emb is false; supported is true",
        "smollm3 | \"no_rope_layers\": [1, 2, 0, 1] | no_rope_layers is 2; it must be from 0 to 1",
    })
    void switchesOfFamilies(String family, String more, String message) {
        var e = assertThrows(ModelLoadException.class, () -> parse(family.strip(), more.strip()));
        assertTrue(e.getMessage().startsWith("config.json: ") && e.getMessage().contains(message.strip()), e.getMessage());
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

    /** Values are those that the configuration classes of transformers 5 hold. */
    @Test
    void bothSpellingsOfRotaryParameters() {
        assertEquals(new RopeScaling.Linear(2), parse("llama",
                "\"rope_scaling\": {}, \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2.0}").scaling());
        var both = parse("qwen3", """
                "rope_theta": 5000.0, "rope_scaling": {"type": "linear", "factor": 3.0, "rope_theta": 7.0},
                "rope_parameters": {"rope_type": "default", "rope_theta": 9.0}""");
        assertEquals(new RopeScaling.Linear(3), both.scaling());
        assertEquals(7, both.ropeTheta());
        assertEquals(5000, parse("qwen2", "\"rope_theta\": 5000, \"rope_parameters\": {\"rope_type\": \"default\"}").ropeTheta());
        assertEquals(10_000, parse("mistral", "\"rope_parameters\": {\"rope_type\": \"default\"}").ropeTheta());
        // a factor without a type scales nothing
        assertEquals(new RopeScaling.None(), parse("llama", "\"rope_scaling\": {\"factor\": 2.0}").scaling());
        assertEquals(new RopeScaling.None(), parse("llama",
                "\"rope_scaling\": {\"type\": \"linear\", \"rope_type\": \"default\", \"factor\": 2.0}").scaling());
        // the context for which it was trained, where the scaling does not say another
        var llama3 = "\"rope_parameters\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0}";
        assertEquals(new RopeScaling.Llama3(8, 1, 4, 2048), parse("llama", llama3).scaling());
        assertEquals(new RopeScaling.Llama3(8, 1, 4, 512), parse("llama", llama3 + ", \"original_max_position_embeddings\": 512").scaling());
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

    /** The frequencies that transformers 5 computes for Llama 3.2's parameters. */
    @Test
    void llama3ScalingGivesTheFrequenciesOfTransformers() {
        float[] want = {1f, 0.663601279f, 0.440366626f, 0.292227834f, 0.193922758f, 0.128687382f, 0.0853971019f, 0.0566696189f,
            0.0376060307f, 0.0249554086f, 0.0165604409f, 0.0109895291f, 0.00729266508f, 0.00483942125f, 0.00321144611f,
            0.00129054801f, 0.000429556705f, 9.70828623e-05f, 1.94616387e-05f, 1.29147675e-05f, 8.57025589e-06f, 5.68723226e-06f,
            3.77405445e-06f, 2.50446715e-06f, 1.66196742e-06f, 1.10288363e-06f, 7.31874934e-07f, 4.85673127e-07f, 3.22293289e-07f,
            2.1387423e-07f, 1.41927202e-07f, 9.41830649e-08f};
        var four = model("llama", """
                "head_dim": 64, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 32.0,
                "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}""");
        var five = model("llama", """
                "head_dim": 64, "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0,
                "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}""");
        assertWithinOneUlp(want, four.rope().invFreq());
        assertWithinOneUlp(want, five.rope().invFreq());
    }

    @Test
    void linearScalingDividesTheFrequencies() {
        float[] want = {0.333333343f, 0.105409257f, 0.0333333351f, 0.0105409259f, 0.00333333318f, 0.00105409266f, 0.000333333359f,
            0.000105409265f};
        assertWithinOneUlp(want, model("llama", "\"head_dim\": 16, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 3.0}")
                .rope().invFreq());
    }

    @Test
    void defaultRopeOfTransformers5() {
        float[] want = {1f, 0.177827939f, 0.0316227786f, 0.00562341325f, 0.00100000005f, 0.00017782794f, 3.16227743e-05f,
            5.62341347e-06f};
        assertWithinOneUlp(want, model("qwen3",
                "\"head_dim\": 16, \"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 1000000.0}").rope().invFreq());
    }

    private static void assertWithinOneUlp(float[] want, float[] got) {
        assertEquals(want.length, got.length);
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], got[i], Math.ulp(want[i]), "frequency " + i);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "\"model_type\": \"palm\"                              | unknown model family \"palm\"; supported are llama, mistral, qwen2, qwen3, ",
        "\"num_hidden_layers\": 10001                          | num_hidden_layers is 10001; it must be from 1 to 10000",
        "\"num_hidden_layers\": -1                             | num_hidden_layers is -1; it must be from 1",
        "\"num_hidden_layers\": null                           | num_hidden_layers is null; it must be from 1 to 10000",
        "\"num_hidden_layers\": \"four\"                       | num_hidden_layers must be a number, is \"four\"",
        "\"num_hidden_layers\": 2.5                            | num_hidden_layers must be a whole number, is 2.5",
        "\"hidden_size\": 0                                    | hidden_size is 0; it must be from 1",
        "\"hidden_size\": 1e300                                | hidden_size must be a whole number, is 1e300",
        "\"hidden_size\": 65                                   | which num_attention_heads 8 does not divide",
        "\"intermediate_size\": 2000000000                     | intermediate_size is 2000000000; it must be from 1 to 1048576",
        "\"num_key_value_heads\": 3                            | num_attention_heads is 8, which num_key_value_heads 3 does not divide",
        "\"num_key_value_heads\": 0                            | num_key_value_heads is 0",
        "\"num_key_value_heads\": 16                           | num_key_value_heads is 16; it must be from 1 to 8",
        "\"head_dim\": 7                                       | head_dim is 7; it must be even",
        "\"head_dim\": 1000000                                 | head_dim is 1000000",
        "\"vocab_size\": 2147483647                            | vocab_size is 2147483647",
        "\"rms_norm_eps\": -1e-6                             | rms_norm_eps is -1.0E-6; it must be at least 0",
        "\"rms_norm_eps\": 1e60                              | it must be at least 0 and finite as a 32-bit float",
        "\"rope_theta\": -1                                    | rope_theta is -1.0",
        "\"hidden_act\": \"gelu\"                              | hidden_act is \"gelu\"; supported is silu",
        "\"rope_scaling\": {\"type\": \"cubic\"}               | type is \"cubic\"; supported are default, linear, dynamic, yarn, longrope and llama3",
        "\"rope_scaling\": {\"rope_type\": \"dynamic\"}        | factor is missing",
        "\"rope_scaling\": {\"type\": \"longrope\"}            | short_factor is missing",
        "\"rope_scaling\": {\"rope_type\": \"linear\"}         | factor is missing",
        "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0} | factor is 0.0; it must be above 0",
        "\"rope_scaling\": 3                                   | rope_scaling must be an object, is 3",
        "\"rope_parameters\": {\"full_attention\": {}}         | differ between kinds of layers (full_attention)",
        "\"partial_rotary_factor\": 0.5                        | partial_rotary_factor is 0.5",
        "\"quantization_config\": {\"quant_method\": \"hqq\"} | quantization_config says \"hqq\"",
        "\"tie_word_embeddings\": 1                            | tie_word_embeddings must be true or false, is 1",
    })
    void badValuesNameKeyValueAndLimit(String change, String message) {
        // the last of two equal keys counts
        var e = assertThrows(ModelLoadException.class, () -> parse("llama", change.strip()));
        assertTrue(e.getMessage().contains(message.strip()), e.getMessage());
        assertTrue(e.getMessage().startsWith("config.json: "), e.getMessage());
    }

    @Test
    void badLayerTypes() {
        var e = assertThrows(ModelLoadException.class,
                () -> parse("qwen2", "\"use_sliding_window\": true, \"layer_types\": [\"full_attention\"]"));
        assertTrue(e.getMessage().contains("layer_types has 1 entries; num_hidden_layers is 4"), e.getMessage());
        e = assertThrows(ModelLoadException.class, () -> parse("qwen2", "\"use_sliding_window\": true, \"layer_types\": "
                + "[\"full_attention\", \"chunked_attention\", \"full_attention\", \"full_attention\"]"));
        assertTrue(e.getMessage().contains("\"chunked_attention\""), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"{\"model_type\": | is not valid JSON", "[1] | does not hold a JSON object",
        "{} | model_type is missing"})
    void brokenJson(String text, String message) {
        var e = assertThrows(ModelLoadException.class, () -> Read.of(ConfigJson.parse("config.json", text)));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }
}
