package io.jllm.model.decoder;

import java.util.OptionalInt;

/**
 * What a family's {@code config.json} means where it leaves something out. Source: the configuration classes of the transformers library,
 * version 5.
 *
 * @param vocab {@code vocab_size}
 * @param hidden {@code hidden_size}
 * @param ffn {@code intermediate_size}; 0 for four times the hidden size, which null means then, too
 * @param layers {@code num_hidden_layers}
 * @param heads {@code num_attention_heads}
 * @param kvHeads {@code num_key_value_heads}; empty for as many as {@code num_attention_heads}, which null means in all families
 * @param headDim {@code head_dim}; empty for hidden size / heads
 * @param context {@code max_position_embeddings}
 * @param ropeBase {@code rope_theta}
 * @param eps {@code rms_norm_eps}
 * @param tied {@code tie_word_embeddings}
 * @param attentionBias {@code attention_bias}
 */
public record ConfigDefaults(int vocab, int hidden, int ffn, int layers, int heads, OptionalInt kvHeads, OptionalInt headDim, int context,
                      double ropeBase, double eps, boolean tied, boolean attentionBias) {
    /** These sizes with four times the hidden size in the feed-forward part, as many key and value heads as others, and a rotation by 10,000. */
    public static ConfigDefaults ofGpt(int vocab, int hidden, int layers, int heads, int context, boolean tied) {
        return new ConfigDefaults(vocab, hidden, 0, layers, heads, OptionalInt.empty(), OptionalInt.empty(), context, 10_000, 1e-5, tied, false);
    }

    /** These sizes, and llama's for the rest. */
    public ConfigDefaults(int vocab, int hidden, int ffn, int layers, int heads, OptionalInt kvHeads, OptionalInt headDim, int context) {
        this(vocab, hidden, ffn, layers, heads, kvHeads, headDim, context, 10_000, 1e-6, false, false);
    }
}
