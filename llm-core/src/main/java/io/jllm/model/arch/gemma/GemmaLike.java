package io.jllm.model.arch.gemma;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;

/**
 * What the Gemmas have in common: embeddings times the square root of their length, norms whose weights are stored less one, tanh GELU, tied
 * embeddings.
 */
abstract class GemmaLike extends LlamaLike {
    private static final Key BIDIRECTIONAL = Key.flag("", "use_bidirectional_attention");
    private static final Key SCALAR = Key.positive("attention.query_pre_attn_scalar", "query_pre_attn_scalar");
    private static final Key SCORE_CAP = Key.notNegative("attn_logit_softcapping", "attn_logit_softcapping");
    private static final Key LOGIT_CAP = Key.notNegative("final_logit_softcapping", "final_logit_softcapping");
    private static final double UNSAID_SCALAR = 256;

    GemmaLike(String name, String ggufName, ConfigDefaults unsaid) {
        super(name, ggufName, Rope.Layout.NEOX, unsaid);
    }

    @Override
    protected final ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, false);
    }

    @Override
    protected Op.Activation activation(Keys keys) {
        return keys.activation(Key.ACTIVATION.named("hidden_activation"), Op.Activation.GELU_TANH);
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        keys.only(BIDIRECTIONAL, false);
        model.normsLessOne().scales(Math.sqrt(n.hidden()), 1, 1);
    }

    /**
     * What Gemma 2 added, and 3 kept: norms after products too, a scale of scores of its own, and caps.
     *
     * @param largest how many layers the model has that divides by another number than the length of a head, of which GGUF files say nothing
     * @param scoreCap of scores, where nothing is said; 0 for none
     * @param logitCap of logits
     */
    static void second(DenseBuilder model, Numbers n, Keys keys, int largest, double scoreCap, double logitCap) {
        double scalar = keys.real(SCALAR, UNSAID_SCALAR, n.layers() == largest ? (double) n.hidden() / n.shape().heads() : n.shape().headDim());
        model.normsAround().layerName("post_attention_layernorm", "post_attention_norm").layerName("pre_feedforward_layernorm", "ffn_norm")
                .layerName("post_feedforward_layernorm", "post_ffw_norm").scale(1 / Math.sqrt(scalar))
                .caps(keys.limit(SCORE_CAP, scoreCap), keys.limit(LOGIT_CAP, logitCap));
    }
}
