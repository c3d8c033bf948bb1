package io.jllm.model.arch;

import java.util.Set;

/**
 * Families whose layers, or some of them, keep a state that each token changes, instead of keys and values by position. They are refused by
 * name: such a state cannot be shared, forked or cut back as pages of a cache can. Sources: the transformers library, and llama.cpp
 * ({@code llm_arch_is_recurrent}, {@code llm_arch_is_hybrid}).
 */
final class Recurrent {
    private static final Set<String> HUGGING_FACE = Set.of("bamba", "falcon_h1", "falcon_mamba", "granitemoehybrid", "jamba", "kimi_linear", "lfm2",
            "lfm2_moe", "lfm2_vl", "mamba", "mamba2", "minimax", "minimax_text_01", "nemotron_h", "olmo_hybrid", "plamo2", "qwen3_5", "qwen3_5_text",
            "qwen3_5_moe", "qwen3_5_moe_text", "qwen3_next", "recurrent_gemma", "rwkv", "rwkv5", "rwkv6", "rwkv6qwen2", "rwkv7", "xlstm", "zamba",
            "zamba2", "zaya");
    private static final Set<String> GGUF = Set.of("arwkv7", "bailingmoe3", "falcon-h1", "granitehybrid", "jamba", "kimi-k3", "kimi-linear", "lfm2",
            "lfm2moe", "mamba", "mamba2", "minimax-01", "nemotron_h", "nemotron_h_moe", "plamo2", "qwen35", "qwen35moe", "qwen3next", "rwkv6",
            "rwkv6qwen2", "rwkv7");

    private Recurrent() {
    }

    /** Whether it is one, by its name in either kind of file. */
    static boolean is(String name) {
        return HUGGING_FACE.contains(name) || GGUF.contains(name);
    }
}
