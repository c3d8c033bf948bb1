package io.jllm.model;

import java.util.List;

/**
 * The numbers that define a model, whatever file they came from: a view for people and applications, filled by its family. Backends go
 * by the {@link Program}. Where layers differ, heads and the feed-forward part are those of the layer that has the most, and the rotation is
 * that of the layers that see all positions.
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
    /** Checks that the numbers fit each other, and copies the list. */
    public ModelConfig {
        if (layers < 1 || hidden < 1 || ffn < 1 || heads < 1 || kvHeads < 1 || headDim < 1 || vocab < 1 || maxContext < 1) {
            throw new IllegalArgumentException("sizes must be above 0: " + layers + " layers, hidden " + hidden + ", ffn " + ffn
                    + ", heads " + heads + " and " + kvHeads + " of " + headDim + ", vocabulary " + vocab + ", context " + maxContext);
        }
        if (heads % kvHeads != 0) {
            throw new IllegalArgumentException(heads + " heads are not a multiple of " + kvHeads + " key and value heads");
        }
        if (rope.rotaryDim() > headDim) {
            throw new IllegalArgumentException("rotary dimension " + rope.rotaryDim() + " is above the head's, " + headDim);
        }
        windows = List.copyOf(windows);
        if (windows.size() != layers) {
            throw new IllegalArgumentException(windows.size() + " windows for " + layers + " layers");
        }
    }

    /** Which matrix products add a bias. */
    public record Biases(boolean qkv, boolean attentionOutput, boolean mlp) {
        /** None does. */
        public static final Biases NONE = new Biases(false, false, false);

        /** Those that either has. */
        public Biases or(Biases other) {
            return new Biases(qkv || other.qkv, attentionOutput || other.attentionOutput, mlp || other.mlp);
        }
    }

    /** The same model with embeddings tied or not, and with these biases. */
    public ModelConfig with(boolean tied, Biases newBiases) {
        return new ModelConfig(architecture, layers, hidden, ffn, heads, kvHeads, headDim, vocab, maxContext, normEps, rope, windows,
                tied, newBiases);
    }

    /** Heads of its attention. */
    public Op.AttentionShape shape() {
        return new Op.AttentionShape(heads, kvHeads, headDim);
    }

    /** Floats of keys and values that one position takes in the KV cache, over all layers; at most, where layers differ. */
    public long kvFloatsPerToken() {
        return 2L * layers * kvHeads * headDim;
    }
}
