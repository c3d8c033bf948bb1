package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a {@code config.json} must not say. */
class RefusedConfigsTest extends ConfigCase {
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
