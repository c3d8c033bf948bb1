package io.jllm.model.arch.experts;

import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Experts;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.SparseModel;
import java.util.List;
import java.util.OptionalInt;

/** Qwen 3 with experts: each head of q and k is normed before it is rotated. Source: Yang et al., Qwen3 report, 2025. */
public final class Qwen3Moe implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(151_936, 2048, 6144, 24, 32, OptionalInt.of(4), OptionalInt.empty(), 32_768,
            10_000, 1e-6, false, false);
    private static final Key SLIDES = Key.flag("", "use_sliding_window");

    @Override
    public String name() {
        return "qwen3_moe";
    }

    @Override
    public String ggufName() {
        return "qwen3moe";
    }

    /** GGUF files of llama.cpp mean normalised weights. */
    @Override
    public Model read(Keys keys) {
        keys.activation(Op.Activation.SILU);
        var n = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        int count = Experts.count(keys, 128);
        var experts = new Experts(count, Experts.used(keys, count, 8), keys.integer(Experts.FFN, 768), keys.flag(Experts.NORMALISED, false, true));
        var windows = keys.windows(n.layers(), keys.flag(SLIDES).orElse(false) ? WindowRule.ALL : WindowRule.NONE);
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()).base(Key.ROPE_BASE, UNSAID.ropeBase()));
        return new Qwen3MoeModel(n, experts, rope, windows, QwenLayers.read(keys), keys.flag(Key.ATTENTION_BIAS).orElse(false));
    }

    private static final class Qwen3MoeModel extends SparseModel {
        private final QwenLayers layers;
        private final boolean attentionBias;

        Qwen3MoeModel(Numbers n, Experts experts, Rope rope, List<Integer> windows, QwenLayers layers, boolean attentionBias) {
            super("qwen3_moe", n, experts, rope, windows);
            this.layers = layers;
            this.attentionBias = attentionBias;
        }

        @Override
        protected boolean biased(String part) {
            return attentionBias && isAttention(part);
        }

        @Override
        protected boolean isSparse(int layer) {
            return layers.isSparse(layer);
        }

        @Override
        protected Decoder.Attention attention(int layer) {
            return super.attention(layer).normed(headNorms(layer));
        }
    }
}
