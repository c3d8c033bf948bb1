package io.jllm.model.arch.gpt;

import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rotary;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.MadeWeights;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.Rows;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * GPT-NeoX, Pythia, RedPajama: attention beside the feed-forward part, of two norms, or before it; a part of each head is rotated.
 * Source: Black et al., GPT-NeoX-20B, 2022.
 */
public final class GptNeoX implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(50_432, 6144, 24_576, 44, 64, OptionalInt.empty(), OptionalInt.empty(), 2048,
            10_000, 1e-5, false, true);
    private static final Key PARALLEL = Key.flag("use_parallel_residual", "use_parallel_residual");
    private static final Key BASE = Key.ROPE_BASE.named("rope_theta", "rotary_emb_base");
    private static final double UNSAID_PART = 0.25;

    /** The family. */
    public GptNeoX() {
    }

    @Override
    public String name() {
        return "gpt_neox";
    }

    @Override
    public String ggufName() {
        return "gptneox";
    }

    @Override
    public Model read(Keys keys) {
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS, (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> heads, heads));
        int headDim = n.shape().headDim();
        var rope = keys.rope(Rotary.of(headDim, n.context()).base(BASE, UNSAID.ropeBase()).mayBePartial(UNSAID_PART));
        boolean bias = keys.flag(Key.ATTENTION_BIAS).orElse(keys.knows(Key.ATTENTION_BIAS) && UNSAID.attentionBias());
        return new GptNeoXModel(n, new Decoder.Attention(n.shape(), rope, Scores.of(headDim)), keys.flag(PARALLEL, true), bias,
                Gpt.activation(keys, Op.Activation.GELU));
    }

    private record GptNeoXModel(Numbers n, Decoder.Attention attention, boolean parallel, boolean attentionBias, Op.Activation activation)
            implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.below("gpt_neox.", new Rename("embed_in", "token_embd"), new Rename("final_layer_norm", "output_norm"),
                    new Rename("layers.*.input_layernorm", "blk.*.attn_norm"), new Rename("layers.*.post_attention_layernorm", "blk.*.ffn_norm"),
                    new Rename("layers.*.attention.query_key_value", "blk.*.attn_qkv"), new Rename("layers.*.attention.dense", "blk.*.attn_output"),
                    new Rename("layers.*.mlp.dense_h_to_4h", "blk.*.ffn_up"), new Rename("layers.*.mlp.dense_4h_to_h", "blk.*.ffn_down"),
                    new Rename("embed_out", "output"), new Rename("lm_head", "output"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return new MadeWeights(n.withTable(checkpoint), (all, name) -> Gpt.isFused(name)
                    ? all.find(name).map(w -> Rows.ungrouped(w, n.shape())) : Optional.empty());
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = Gpt.decoder(tensors, n, part -> Gpt.isFfn(part) || attentionBias && Gpt.isAttention(part));
            Value x = d.embed(n.vocab());
            for (int l = 0; l < n.layers(); l++) {
                x = layer(d, x, l);
            }
            return Gpt.built(d, x, "gpt_neox", n, attention.rope(), tensors);
        }

        private Value layer(Decoder d, Value x, int l) {
            return parallel ? Gpt.parallel(d, x, l, d.attention(d.norm(x, l, "attn_norm"), l, attention), d.norm(x, l, "ffn_norm"),
                    h -> d.plain(h, l, n.ffn(), activation))
                    : Gpt.sequential(d, x, l, h -> d.attention(h, l, attention), h -> d.plain(h, l, n.ffn(), activation));
        }
    }
}
