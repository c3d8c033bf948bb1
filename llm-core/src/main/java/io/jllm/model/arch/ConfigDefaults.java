package io.jllm.model.arch;

import java.util.OptionalInt;

/**
 * What a family's {@code config.json} means where it leaves a size out. Source: the configuration classes of the transformers library,
 * version 5.
 *
 * @param vocab {@code vocab_size}
 * @param hidden {@code hidden_size}
 * @param ffn {@code intermediate_size}
 * @param layers {@code num_hidden_layers}
 * @param heads {@code num_attention_heads}
 * @param kvHeads {@code num_key_value_heads}; empty for as many as {@code num_attention_heads}, which null means in all families
 * @param headDim {@code head_dim}; empty for hidden size / heads
 * @param context {@code max_position_embeddings}
 */
record ConfigDefaults(int vocab, int hidden, int ffn, int layers, int heads, OptionalInt kvHeads, OptionalInt headDim, int context) {
}
