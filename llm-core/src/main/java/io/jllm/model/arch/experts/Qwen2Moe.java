package io.jllm.model.arch.experts;

import io.jllm.model.Architecture;
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
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Qwen 1.5 and 2 with experts: beside those that are chosen, one that all tokens use, weighed by a gate of its own. Source: Yang et al., Qwen2
 * report, 2024.
 */
public final class Qwen2Moe implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(151_936, 2048, 5632, 24, 16, OptionalInt.of(16), OptionalInt.empty(), 32_768,
            10_000, 1e-6, false, false);
    private static final Key QKV_BIAS = Key.flag("", "qkv_bias");
    private static final Key SLIDES = Key.flag("", "use_sliding_window");
    private static final Key SLIDING_LAYERS = Key.whole("", 0, Integer.MAX_VALUE, "max_window_layers");

    @Override
    public String name() {
        return "qwen2_moe";
    }

    @Override
    public String ggufName() {
        return "qwen2moe";
    }

    @Override
    public Model read(Keys keys) {
        keys.activation(Op.Activation.SILU);
        var n = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        int count = Experts.count(keys, 60);
        var experts = new Experts(count, Experts.used(keys, count, 4), keys.integer(Experts.FFN, 1408), keys.flag(Experts.NORMALISED, false, false));
        int shared = keys.integer(Experts.SHARED_FFN, 5632, n.ffn());
        Limits.check(keys.name(Experts.SHARED_FFN), shared, 1, Limits.WIDTH);
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()).base(Key.ROPE_BASE, UNSAID.ropeBase()));
        return new Qwen2MoeModel(n, experts, rope, keys.windows(n.layers(), windows(keys, n.layers())), QwenLayers.read(keys), shared,
                keys.knows(QKV_BIAS) && keys.flag(QKV_BIAS).orElse(true));
    }

    /** Every other layer has one, of the first few, unless {@code layer_types} says which; none unless they are switched on. */
    private static WindowRule windows(Keys keys, int layers) {
        int sliding = keys.optionalInteger(SLIDING_LAYERS).orElse(28);
        return keys.flag(SLIDES).orElse(false)
                ? WindowRule.typed(IntStream.range(0, layers).mapToObj(l -> l % 2 == 0 && l < sliding).toList(), 4096) : WindowRule.NONE;
    }

    private static final class Qwen2MoeModel extends SparseModel {
        private final QwenLayers layers;
        private final int shared;
        private final boolean qkvBias;

        Qwen2MoeModel(Numbers n, Experts experts, Rope rope, List<Integer> windows, QwenLayers layers, int shared, boolean qkvBias) {
            super("qwen2_moe", n, experts, rope, windows);
            this.layers = layers;
            this.shared = shared;
            this.qkvBias = qkvBias;
        }

        @Override
        public HuggingFaceNames names() {
            return super.names().with(Experts.sharedNames("mlp.shared_expert"))
                    .with(new HuggingFaceNames.Rename("model.layers.*.mlp.shared_expert_gate", "blk.*.ffn_gate_inp_shexp"));
        }

        @Override
        protected boolean biased(String part) {
            return qkvBias && (part.equals("attn_q") || part.equals("attn_k") || part.equals("attn_v"));
        }

        @Override
        protected boolean isSparse(int layer) {
            return layers.isSparse(layer);
        }

        @Override
        protected Value mixed(Decoder d, Value x, Value h, int layer) {
            return experts().sharedWeighed(d, super.mixed(d, x, h, layer), h, layer, shared);
        }
    }
}
