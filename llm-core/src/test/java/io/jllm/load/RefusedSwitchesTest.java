package io.jllm.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.HeadOp;
import io.jllm.model.MapWeights;
import io.jllm.model.Op;
import io.jllm.model.arch.Families;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Switches of families that are not computed, and values that cannot be: the message names key, value and what is supported. */
class RefusedSwitchesTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "falcon | `new_decoder_architecture`: true, `parallel_attn`: false | parallel_attn is false; with new_decoder_architecture it must be true",
        "falcon | `num_ln_in_parallel_attn`: 2 | num_ln_in_parallel_attn is 2; without new_decoder_architecture it must be 1",
        "falcon | `new_decoder_architecture`: true, `num_ln_in_parallel_attn`: 3 | num_ln_in_parallel_attn is 3; it must be from 1 to 2",
        "falcon | `multi_query`: false, `num_kv_heads`: 2 | num_kv_heads is 2; without new_decoder_architecture and multi_query it must be 71",
        "falcon | `activation`: `tanh` | activation is `tanh`; supported are gelu, gelu_pytorch_tanh, relu, relu2, silu",
        "mpt | `attn_config`: {`prefix_lm`: true} | attn_config.prefix_lm is true; supported is false",
        "mpt | `attn_config`: {`attn_type`: `linear`} | attn_config.attn_type is `linear`; supported are multihead_attention, multiquery_attention",
        "mpt | `norm_type`: `rmsnorm` | norm_type is `rmsnorm`; supported are low_precision_layernorm, layernorm",
        "mpt | `logit_scale`: 0.5 | logit_scale is there; this family supports only models without it",
        "mpt | `attn_config`: {`clip_qkv`: -1} | attn_config.clip_qkv is -1.0; it must be at least 0",
        "gpt2 | `add_cross_attention`: true | add_cross_attention is true; supported is false",
        "gpt2 | `activation_function`: `gelu_10` | activation_function is `gelu_10`; supported are gelu_pytorch_tanh, gelu, relu, relu2, silu",
        "gpt2 | `n_head`: 5 | hidden_size is 768, which n_head 5 does not divide",
        "gpt_bigcode | `add_cross_attention`: true | add_cross_attention is true; supported is false",
        "gptj | `n_embd`: 64, `n_head`: 4, `rotary_dim`: 20 | rotary_dim is 20; it must be from 2 to 16",
        "gptj | `n_embd`: 64, `n_head`: 4, `rotary_dim`: 5 | rotary_dim is 5; it must be even",
        "gptj | `rotary_dim`: null | rotary_dim is null",
        "gpt_neox | `rotary_pct`: 1.5 | rotary_pct is 1.5, which leaves 144 of the 96 dimensions of a head to be turned",
        "opt | `word_embed_proj_dim`: 0 | word_embed_proj_dim is 0; it must be from 1 to",
        "phi | `num_key_value_heads`: 3 | num_attention_heads is 32, which num_key_value_heads 3 does not divide",
        "starcoder2 | `sliding_window`: 0 | sliding_window is 0; it must be from 1 to",
        "stablelm | `rope_pct`: 0.001 | rope_pct is 0.001, which leaves 0 of the 80 dimensions of a head to be turned",
        "nemotron | `hidden_act`: `quick_gelu` | hidden_act is `quick_gelu`; supported are relu2, gelu, gelu_pytorch_tanh, relu, silu",
        "qwen | `hidden_act`: `gelu` | hidden_act is `gelu`; supported is silu",
        "baichuan | `hidden_act`: `gelu` | hidden_act is `gelu`; supported is silu",
        "internlm2 | `hidden_act`: `gelu` | hidden_act is `gelu`; supported is silu",
        "chatglm | `rmsnorm`: false | rmsnorm is false; supported is true",
        "chatglm | `post_layer_norm`: false | post_layer_norm is false; supported is true",
        "chatglm | `pre_seq_len`: 128 | pre_seq_len is 128; it must be from 0 to 0",
        "chatglm | `quantization_bit`: 4 | quantization_bit is 4; it must be from 0 to 0",
        "chatglm | `position_encoding_2d`: true | position_encoding_2d is there: the first ChatGLM is not supported",
        "chatglm | `_name_or_path`: `THUDM/chatglm2-6b-32k`, `rope_ratio`: 16 | rope_ratio is 16.0; ChatGLM2 divides positions by it",
    })
    void namesKeyAndValue(String family, String switches, String message) {
        var json = ("{`model_type`: `" + family + "`, " + switches + "}").replace('`', '"');
        var said = assertThrows(ModelLoadException.class,
                () -> HuggingFaceFamily.read(ConfigJson.parse("config.json", json), Families.all())).getMessage();
        assertTrue(said.contains(message.replace('`', '"')), said);
        assertTrue(said.startsWith("config.json: "), said);
    }

    @Test
    void noPositionsAtAll() {
        var json = ConfigJson.parse("config.json", "{\"model_type\": \"mpt\", \"attn_config\": {\"alibi\": false}}");
        var model = HuggingFaceFamily.read(json, Families.all()).model();
        var said = assertThrows(ModelLoadException.class, () -> model.build(new MapWeights())).getMessage();
        assertTrue(said.contains("attn_config.alibi is false, and there is no tensor position_embd.weight"), said);
        var scaled = new MapWeights().put("blk.0.ffn_act.scales", new float[8]);
        said = assertThrows(ModelLoadException.class, () -> model.build(scaled)).getMessage();
        assertTrue(said.contains("the tensor blk.0.ffn_act.scales is there"), said);
    }

    /** Learned positions, norms of q and k as rows, one key for all queries: what transformers does not read of MPT, and its authors' files have. */
    @Test
    void otherPartsOfMpt() {
        var json = ConfigJson.parse("config.json", """
                {"model_type": "mpt", "d_model": 8, "n_heads": 2, "n_layers": 1, "vocab_size": 5, "max_seq_len": 16,
                 "attn_config": {"alibi": false, "attn_type": "multiquery_attention", "qk_ln": true, "clip_qkv": 2}}""");
        var tensors = new MapWeights().put("position_embd.weight", 16, 8).put("blk.0.attn_q_norm.weight", new float[8])
                .put("blk.0.attn_k_norm.weight", new float[4]).put("blk.0.attn_norm.weight", new float[8]);
        var program = HuggingFaceFamily.read(json, Families.all()).model().build(tensors).program();
        assertTrue(program.ops().stream().anyMatch(op -> op instanceof Op.AddPositions p && p.rows() == 16 && p.offset() == 0));
        var norms = program.ops().stream().filter(op -> op instanceof HeadOp.NormHeads).map(op -> (HeadOp.NormHeads) op).toList();
        assertEquals(2, norms.size());
        assertEquals(2, norms.getFirst().clip());
        assertEquals(new Op.AttentionShape(2, 1, 4), norms.getLast().shape());
        assertEquals(HeadOp.Scope.ALL, norms.getLast().q().orElseThrow().scope());
        assertEquals(0, norms.getLast().clip());
        assertTrue(program.ops().stream().noneMatch(op -> op instanceof Op.PagedAttention a && a.scores().alibi().isPresent()));
    }

    /** The first Qwen's switches for longer texts end its context where they begin. */
    @Test
    void contextOfQwen() {
        String sizes = "\"model_type\": \"qwen\", \"hidden_size\": 128, \"num_attention_heads\": 1, \"num_hidden_layers\": 1, "
                + "\"max_position_embeddings\": 32768, \"seq_length\": 2048";
        assertEquals(2048, context(sizes));
        assertEquals(2048, context(sizes + ", \"use_dynamic_ntk\": false, \"use_logn_attn\": true"));
        assertEquals(2048, context(sizes + ", \"use_dynamic_ntk\": true, \"use_logn_attn\": false"));
        assertEquals(32_768, context(sizes + ", \"use_dynamic_ntk\": false, \"use_logn_attn\": false"));
    }

    private static int context(String keys) {
        return HuggingFaceFamily.read(ConfigJson.parse("config.json", "{" + keys + "}"), Families.all()).model().build(new MapWeights())
                .config().maxContext();
    }

    /** llama.cpp decides by the number of layers, and so do files; folders by what keys they have. */
    @Test
    void biasesOfBaichuan() {
        String of13B = "{\"model_type\": \"baichuan\", \"num_hidden_layers\": 40}";
        String of7B = "{\"model_type\": \"baichuan\", \"max_position_embeddings\": 4096, \"model_max_length\": 4096}";
        assertTrue(alibi(of13B));
        assertTrue(!alibi(of7B));
        assertTrue(alibi("{\"model_type\": \"baichuan\", \"model_max_length\": 4096}"));
    }

    private static boolean alibi(String json) {
        return HuggingFaceFamily.read(ConfigJson.parse("config.json", json), Families.all()).model().build(new MapWeights()).program().ops().stream()
                .anyMatch(op -> op instanceof Op.PagedAttention a && a.scores().alibi().isPresent());
    }
}
