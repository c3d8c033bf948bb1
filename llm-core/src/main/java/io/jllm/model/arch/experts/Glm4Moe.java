package io.jllm.model.arch.experts;

import io.jllm.model.Architecture;
import io.jllm.model.ExpertOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Experts;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.SparseModel;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.Collections;
import java.util.OptionalInt;

/**
 * GLM-4.5: the first layers have no experts, the others one that all tokens use beside those that are chosen; a part of each head is rotated.
 * Source: Zhipu AI, GLM-4.5, 2025.
 */
public final class Glm4Moe implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(151_552, 4096, 10_944, 46, 96, OptionalInt.of(8), OptionalInt.empty(), 131_072,
            10_000, 1e-5, false, false);
    private static final double UNSAID_PART = 0.5;
    /** GGUF files show it by their tensors. */
    private static final Key NORMS_HEADS = Key.flag("", "use_qk_norm");

    @Override
    public String name() {
        return "glm4_moe";
    }

    @Override
    public String ggufName() {
        return "glm4moe";
    }

    @Override
    public Model read(Keys keys) {
        keys.activation(Op.Activation.SILU);
        var all = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        var n = all.first(all.layers() - keys.integer(Experts.NEXT_LAYERS.atMost(all.layers() - 1), 0, 0));
        int count = Experts.count(keys, 128);
        int used = Experts.used(keys, count, 8);
        int ffn = keys.integer(Experts.FFN, 1408);
        int shared = keys.integer(Experts.SHARED, 1);
        Limits.check(keys.name(Experts.SHARED), shared, 1, Limits.WIDTH / ffn);
        var sigmoid = new ExpertOp.Scoring.Sigmoid();
        var experts = new Experts(count, used, ffn, keys.flag(Experts.NORMALISED, true, false)).routed(Experts.scoring(keys, sigmoid, sigmoid),
                Experts.groups(keys, count, used, 1, 1, 2), (float) keys.real(Experts.SCALE, 1, 1));
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()).base(Key.ROPE_BASE, UNSAID.ropeBase()).mayBePartial(UNSAID_PART));
        return new Glm4MoeModel(n, experts, rope, shared * ffn, keys.integer(Experts.DENSE_FIRST, 1, 0),
                keys.flag(Key.ATTENTION_BIAS).orElse(false), keys.knows(NORMS_HEADS) && keys.flag(NORMS_HEADS).orElse(false));
    }

    private static final class Glm4MoeModel extends SparseModel {
        private final int sharedFfn;
        private final int denseFirst;
        private final boolean attentionBias;
        private final boolean normsHeads;

        Glm4MoeModel(Numbers n, Experts experts, Rope rope, int sharedFfn, int denseFirst, boolean attentionBias, boolean normsHeads) {
            super("glm4_moe", n, experts, rope, Collections.nCopies(n.layers(), 0));
            this.sharedFfn = sharedFfn;
            this.denseFirst = denseFirst;
            this.attentionBias = attentionBias;
            this.normsHeads = normsHeads;
        }

        @Override
        protected String ffnNorm() {
            return "post_attention_norm";
        }

        @Override
        public HuggingFaceNames names() {
            return super.names().with(Experts.sharedNames("mlp.shared_experts"));
        }

        @Override
        protected boolean biased(String part) {
            return attentionBias && (part.equals("attn_q") || part.equals("attn_k") || part.equals("attn_v"));
        }

        @Override
        protected boolean isSparse(int layer) {
            return layer >= denseFirst;
        }

        @Override
        protected Value attended(Decoder d, Value x, Value h, int layer) {
            boolean normed = normsHeads || d.has(Decoder.name(layer, "attn_q_norm"));
            var attention = normed ? attention(layer).normed(headNorms(layer)) : attention(layer);
            return d.linearAdd(x, d.attention(h, layer, attention), layer, "attn_output");
        }

        @Override
        protected Value mixed(Decoder d, Value x, Value h, int layer) {
            return experts().shared(d, super.mixed(d, x, h, layer), h, layer, sharedFfn);
        }
    }
}
