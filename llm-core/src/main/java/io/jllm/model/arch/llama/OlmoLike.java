package io.jllm.model.arch.llama;

import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;

/** What OLMo 2 and 3 have in common: norms after products only, and of all heads of q, and of k, as one row. */
abstract class OlmoLike extends LlamaLike {
    private static final Key LOCAL_BASE = Key.positive("rope.freq_base_swa", "rope_local_base_freq");
    private final double unsaidBase;

    OlmoLike(String name, ConfigDefaults unsaid) {
        super(name, "olmo2", Rope.Layout.NEOX, unsaid);
        unsaidBase = unsaid.ropeBase();
    }

    @Override
    protected final ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, false);
    }

    @Override
    protected final void differ(DenseBuilder model, Numbers n, Keys keys) {
        model.normsAfter().layerName("post_attention_layernorm", "post_attention_norm").layerName("post_feedforward_layernorm", "post_ffw_norm")
                .headNorms(HeadOp.Kind.RMS, HeadOp.Scope.ALL);
        if (model.windows().stream().anyMatch(w -> w > 0)) {
            model.localRope(keys.rope(Rotary.of(n.shape().headDim(), n.context()).ofLayers("sliding_attention")
                    .base(LOCAL_BASE, keys.base(unsaidBase)).unscaled()));
        }
    }
}
