package io.jllm.model.arch.llama;

import io.jllm.model.Keys;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.OptionalInt;

/** Phi-3 and Phi-4: q, k and v are one matrix, gate and up another. Source: Abdin and others, Phi-3 report, 2024. */
public final class Phi3 extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(32_064, 3072, 8192, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 4096,
            10_000, 1e-5, false, false);

    /** The family. */
    public Phi3() {
        super("phi3", "phi3", Rope.Layout.NEOX, UNSAID);
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.all(0);
    }

    @Override
    protected Rotary rotary(Rotary usual, Keys keys) {
        return usual.mayBePartial();
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        model.layerName("self_attn.qkv_proj", "attn_qkv").layerName("mlp.gate_up_proj", "ffn_up");
    }
}
