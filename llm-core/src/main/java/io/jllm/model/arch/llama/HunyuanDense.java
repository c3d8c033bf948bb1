package io.jllm.model.arch.llama;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.OptionalInt;

/** Hunyuan, dense: heads of q and k are normed after they are rotated. Source: Tencent, 2025. */
public final class HunyuanDense extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(290_943, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048,
            10_000, 1e-5, false, false);
    private static final Key NORMS_HEADS = Key.flag("", "use_qk_norm");
    private static final Key SHARES_KEYS = Key.flag("", "use_cla");
    private static final Key ROTATES = Key.flag("", "use_rotary_pos_emb");

    /** The family. */
    public HunyuanDense() {
        super("hunyuan_v1_dense", "hunyuan-dense", Rope.Layout.NEOX, UNSAID);
    }

    @Override
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, false);
    }

    /** The switches are those of the makers' own code, which the transformers library does not read. */
    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        keys.only(NORMS_HEADS, true);
        keys.only(SHARES_KEYS, false);
        keys.only(ROTATES, true);
        model.headNormsAfterRotation().layerName("self_attn.query_layernorm", "attn_q_norm").layerName("self_attn.key_layernorm", "attn_k_norm");
    }
}
