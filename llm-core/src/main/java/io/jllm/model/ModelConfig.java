package io.jllm.model;

import java.util.List;

/**
 * The numbers that define a model, whatever file they came from.
 *
 * @param architecture family, as {@code general.architecture} or {@code model_type} names it
 * @param layers transformer layers
 * @param hidden floats a token between layers
 * @param ffn floats inside the feed-forward part
 * @param heads query heads
 * @param kvHeads key and value heads
 * @param headDim floats a head; not always hidden / heads
 * @param vocab rows of logits
 * @param maxContext positions that the model was trained for
 * @param normEps added to the mean square in norms
 * @param rope rotary embedding, scaling included
 * @param windows for each layer, how many positions attention sees; 0 for all
 * @param tiedEmbeddings whether the output matrix is the embedding table
 * @param biases which products have one
 */
public record ModelConfig(String architecture, int layers, int hidden, int ffn, int heads, int kvHeads, int headDim, int vocab,
                          int maxContext, float normEps, Rope rope, List<Integer> windows, boolean tiedEmbeddings, Biases biases) {
    /** Which matrix products add a bias. */
    public record Biases(boolean qkv, boolean attentionOutput, boolean mlp) {
        /** None does. */
        public static final Biases NONE = new Biases(false, false, false);
    }

    /** Heads of its attention. */
    public Op.AttentionShape shape() {
        return new Op.AttentionShape(heads, kvHeads, headDim);
    }

    /** Floats of keys and values that one position takes in the KV cache, over all layers. */
    public long kvFloatsPerToken() {
        return 2L * layers * kvHeads * headDim;
    }
}
