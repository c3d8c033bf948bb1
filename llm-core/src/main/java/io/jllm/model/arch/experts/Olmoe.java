package io.jllm.model.arch.experts;

import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Experts;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.SparseModel;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalInt;

/** OLMoE: q and k are normed as whole rows, and may be limited. Source: Muennighoff et al., 2024. */
public final class Olmoe implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(50_304, 2048, 2048, 16, 16, OptionalInt.empty(), OptionalInt.empty(), 4096,
            10_000, 1e-5, false, false);
    private static final Key CLIP = Key.positive("attention.clamp_kqv", "clip_qkv");

    @Override
    public String name() {
        return "olmoe";
    }

    @Override
    public Model read(Keys keys) {
        keys.activation(Op.Activation.SILU);
        var n = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        int count = Experts.count(keys, 64);
        var experts = new Experts(count, Experts.used(keys, count, 8), n.ffn(), keys.flag(Experts.NORMALISED, false, false));
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()).base(Key.ROPE_BASE, UNSAID.ropeBase()));
        return new OlmoeModel(n, experts, rope, (float) keys.optionalReal(CLIP).orElse(0), keys.flag(Key.ATTENTION_BIAS).orElse(false));
    }

    private static final class OlmoeModel extends SparseModel {
        private final float clip;
        private final boolean attentionBias;

        OlmoeModel(Numbers n, Experts experts, Rope rope, float clip, boolean attentionBias) {
            super("olmoe", n, experts, rope, Collections.nCopies(n.layers(), 0));
            this.clip = clip;
            this.attentionBias = attentionBias;
        }

        @Override
        protected boolean biased(String part) {
            return attentionBias && isAttention(part);
        }

        @Override
        protected Value attended(Decoder d, Value x, Value h, int layer) {
            var shape = numbers().shape();
            Value qkv = d.ops().normHeads(d.qkv(h, layer, shape), shape, norm(layer, "attn_q_norm"), norm(layer, "attn_k_norm"), clip);
            return d.linearAdd(x, d.heads(qkv, layer, attention(layer)), layer, "attn_output");
        }

        private Optional<HeadOp.HeadNorm> norm(int layer, String part) {
            return Optional.of(new HeadOp.HeadNorm(HeadOp.Kind.RMS, HeadOp.Scope.ALL, Optional.of(Decoder.name(layer, part)), Optional.empty(),
                    numbers().eps()));
        }
    }
}
