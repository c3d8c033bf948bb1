package io.jllm.model.arch.llama;

import io.jllm.model.Keys;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.Numbers;

/** GLM-4 of 2025: norms after products, too. Source: Z.ai, 2025. */
public final class Glm4 extends GlmLike {
    /** The family. */
    public Glm4() {
        super("glm4", "glm4");
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        super.differ(model, n, keys);
        model.normsAround().layerName("post_self_attn_layernorm", "post_attention_norm").layerName("post_mlp_layernorm", "post_ffw_norm");
    }
}
