package io.jllm.model.arch.experts;

import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.RowOrder;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Experts;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.SparseModel;
import io.jllm.quant.safetensors.HuggingFaceNames.Part;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import io.jllm.quant.safetensors.HuggingFaceNames.Split;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Granite with experts, and maybe with one that all tokens use: embeddings, residuals, scores and logits have factors. Source: IBM, Granite
 * 3.0, 2024.
 */
public final class GraniteMoe implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(32_000, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048);
    private static final Key EMBEDDING_SCALE = Key.positive("embedding_scale", "embedding_multiplier");
    private static final Key RESIDUAL_SCALE = Key.positive("residual_scale", "residual_multiplier");
    private static final Key ATTENTION_SCALE = Key.positive("attention.scale", "attention_multiplier");
    private static final Key LOGIT_DIVISOR = Key.positive("logit_scale", "logits_scaling");

    @Override
    public String name() {
        return "granitemoe";
    }

    @Override
    public List<String> aliases() {
        return List.of("granitemoeshared");
    }

    @Override
    public Model read(Keys keys) {
        keys.activation(Op.Activation.SILU);
        var n = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        int count = Experts.count(keys, 8);
        var experts = new Experts(count, Experts.used(keys, count, 2), n.ffn(), true);
        int headDim = n.shape().headDim();
        var factors = new Factors((float) keys.real(EMBEDDING_SCALE, 1, 1), (float) keys.real(RESIDUAL_SCALE, 1, 1),
                (float) keys.real(ATTENTION_SCALE, 1, 1 / Math.sqrt(headDim)), (float) keys.real(LOGIT_DIVISOR, 1, 1));
        int shared = keys.optionalInteger(Experts.SHARED_FFN.named("shared_intermediate_size")).orElse(0);
        var rope = keys.rope(Rotary.of(headDim, n.context()).base(Key.ROPE_BASE, UNSAID.ropeBase())
                .layouts(Rope.Layout.NEOX, Rope.Layout.INTERLEAVED));
        return new GraniteMoeModel(n, experts, rope, factors, shared, keys.flag(Key.ATTENTION_BIAS).orElse(false));
    }

    /** What multiplies, and for logits divides. */
    private record Factors(float embedding, float residual, float attention, float logits) {
    }

    private static final class GraniteMoeModel extends SparseModel {
        private final Factors factors;
        private final int shared;
        private final boolean attentionBias;

        GraniteMoeModel(Numbers n, Experts experts, Rope rope, Factors factors, int shared, boolean attentionBias) {
            super("granitemoe", n, experts, rope, Collections.nCopies(n.layers(), 0));
            this.factors = factors;
            this.shared = shared;
            this.attentionBias = attentionBias;
        }

        @Override
        public HuggingFaceNames names() {
            var names = super.names().with(new Rename("model.layers.*.block_sparse_moe.router.layer", "blk.*.ffn_gate_inp"),
                    new Rename("model.layers.*.block_sparse_moe.input_linear", "blk.*.ffn_gate_up_exps"),
                    new Rename("model.layers.*.block_sparse_moe.output_linear", "blk.*.ffn_down_exps"));
            return shared == 0 ? names : names.with(new Split("model.layers.*.shared_mlp.input_linear",
                    List.of(new Part("blk.*.ffn_gate_shexp", shared), new Part("blk.*.ffn_up_shexp", shared))),
                    new Rename("model.layers.*.shared_mlp.output_linear", "blk.*.ffn_down_shexp"));
        }

        @Override
        public RowOrder ggufOrder(String tensor) {
            return Decoder.headOrder(tensor, new RowOrder(numbers().shape().headDim()));
        }

        @Override
        protected boolean biased(String part) {
            return attentionBias && isAttention(part);
        }

        @Override
        protected Value embedded(Decoder d) {
            return d.ops().scale(super.embedded(d), factors.embedding, 0);
        }

        @Override
        protected Decoder.Attention attention(int layer) {
            return new Decoder.Attention(numbers().shape(), rope(), Scores.scaled(factors.attention));
        }

        @Override
        protected Value attended(Decoder d, Value x, Value h, int layer) {
            Value heads = d.attention(h, layer, attention(layer));
            return d.ops().add(x, d.linear(heads, layer, "attn_output", numbers().hidden()), factors.residual);
        }

        @Override
        protected Value mixed(Decoder d, Value x, Value h, int layer) {
            Value y = experts().mixed(d, h, layer, Optional.empty(), numbers().hidden());
            return d.ops().add(x, shared == 0 ? y : experts().shared(d, y, h, layer, shared), factors.residual);
        }

        @Override
        protected Value logits(Decoder d, Value output) {
            return d.ops().scale(output, 1 / factors.logits, 0);
        }
    }
}
