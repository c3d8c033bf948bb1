package io.jllm.model.arch.experts;

import io.jllm.model.Architecture;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Experts;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.SparseModel;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Phi 3.5 with experts: layer norms, and two experts a token, chosen by SparseMixer. Sources: Abdin et al., Phi-3 report, 2024; Liu et al.,
 * GRIN, 2024.
 */
public final class PhiMoe implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(32_064, 4096, 6400, 32, 32, OptionalInt.of(8), OptionalInt.empty(), 131_072,
            1_000_000, 1e-5, false, false);
    private static final Key OUTPUT_BIAS = Key.flag("", "lm_head_bias");
    /** GGUF files of llama.cpp mean the usual one; the name is ours there. */
    private static final Key JITTER = Key.notNegative("router_jitter_noise", "router_jitter_noise");
    private static final int USED = 2;

    @Override
    public String name() {
        return "phimoe";
    }

    @Override
    public Model read(Keys keys) {
        keys.activation(Op.Activation.SILU);
        var n = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        int count = Experts.count(keys, 16);
        keys.integer(Experts.USED.atMost(count), USED);
        keys.only(Experts.USED, USED);
        var mixer = new ExpertOp.Scoring.SparseMixer((float) keys.real(JITTER, 0.01, 0.01));
        var experts = new Experts(count, USED, n.ffn(), false).routed(mixer, Optional.empty(), 1);
        var windows = keys.windows(n.layers(), WindowRule.all(0));
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()).base(Key.ROPE_BASE, UNSAID.ropeBase()));
        return new PhiMoeModel(n, experts, rope, windows, keys.flag(Key.ATTENTION_BIAS).orElse(false), keys.flag(OUTPUT_BIAS).orElse(false));
    }

    private static final class PhiMoeModel extends SparseModel {
        private final boolean attentionBias;
        private final boolean outputBias;

        PhiMoeModel(Numbers n, Experts experts, Rope rope, List<Integer> windows, boolean attentionBias, boolean outputBias) {
            super("phimoe", n, experts, rope, windows);
            this.attentionBias = attentionBias;
            this.outputBias = outputBias;
        }

        @Override
        protected HeadOp.Kind norm() {
            return HeadOp.Kind.LAYER;
        }

        @Override
        protected boolean biased(String part) {
            return part.endsWith("_norm") || (part.equals("output") ? outputBias : attentionBias && isAttention(part));
        }
    }
}
