package io.jllm.convert;

import java.util.List;

/** What a matrix does in a model, by its name in GGUF files, as far as llama.cpp's choice of formats asks. */
enum TensorRole {
    OUTPUT, EMBEDDING, QKV, KV_B, VALUE, KEY, QUERY, ATTENTION_OUTPUT, UP, GATE, DOWN, OTHER;

    /** Found in names of what is small or delicate: norms, routers, tables of positions, convolutions, mixing weights. */
    private static final List<String> DELICATE = List.of("_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel",
            "per_layer_model_proj", "ssm_conv1d", "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight",
            "time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight",
            "time_mix_v1.weight", "time_mix_v2.weight", "time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight",
            "time_mix_g2.weight", "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight", "attn_rel_b.weight",
            ".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger", "a.rvq.codebook",
            "mm.a.code_embd");

    /** Of a tensor. */
    static TensorRole of(String name) {
        return switch (name) {
            case "output.weight" -> OUTPUT;
            case "token_embd.weight", "per_layer_token_embd.weight" -> EMBEDDING;
            case String n when n.contains("attn_qkv.weight") -> QKV;
            case String n when n.contains("attn_kv_b.weight") -> KV_B;
            case String n when n.contains("attn_v.weight") -> VALUE;
            case String n when n.contains("attn_k.weight") -> KEY;
            case String n when n.contains("attn_q.weight") -> QUERY;
            case String n when n.contains("attn_output.weight") -> ATTENTION_OUTPUT;
            case String n when n.contains("ffn_up") -> UP;
            case String n when n.contains("ffn_gate") -> GATE;
            case String n when n.contains("ffn_down") -> DOWN;
            default -> OTHER;
        };
    }

    /** Whether it makes values of attention, which suffer most from few bits. */
    boolean makesValues() {
        return this == VALUE || this == QKV || this == KV_B;
    }

    /** Whether a matrix of that name may be quantised at all. */
    static boolean isQuantized(String name) {
        return name.endsWith("weight") && DELICATE.stream().noneMatch(name::contains) && !name.equals("position_embd.weight")
                && !name.equals("token_types.weight");
    }
}
