package io.jllm.model.arch.gpt;

import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Numbers;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;

/**
 * GPT-J: attention and the feed-forward part of one norm, neighbouring dimensions of a part of each head rotated together, a bias of the logits.
 * llama.cpp does not run it. Source: Wang and Komatsuzaki, GPT-J-6B, 2021.
 */
public final class GptJ implements Architecture {
    private static final ConfigDefaults UNSAID = ConfigDefaults.ofGpt(50_400, 4096, 28, 16, 2048, false);
    private static final Key DIMS = Key.whole("rope.dimension_count", 2, Limits.HEAD_DIM, "rotary_dim");
    private static final int UNSAID_DIMS = 64;

    /** The family. */
    public GptJ() {
    }

    @Override
    public String name() {
        return "gptj";
    }

    @Override
    public Model read(Keys keys) {
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS, (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> heads, heads));
        int headDim = n.shape().headDim();
        keys.integer(DIMS.atMost(headDim), UNSAID_DIMS);
        var rope = keys.rope(Rotary.of(headDim, n.context()).dims(DIMS).mayBePartial((double) UNSAID_DIMS / headDim).unscaled()
                .layouts(Rope.Layout.INTERLEAVED, Rope.Layout.INTERLEAVED));
        return new GptJModel(n, new Decoder.Attention(n.shape(), rope, Scores.of(headDim)), Gpt.activation(keys, Op.Activation.GELU_TANH));
    }

    private record GptJModel(Numbers n, Decoder.Attention attention, Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.below("transformer.", new Rename("wte", "token_embd"), new Rename("ln_f", "output_norm"),
                    new Rename("h.*.ln_1", "blk.*.attn_norm"), new Rename("h.*.attn.q_proj", "blk.*.attn_q"),
                    new Rename("h.*.attn.k_proj", "blk.*.attn_k"), new Rename("h.*.attn.v_proj", "blk.*.attn_v"),
                    new Rename("h.*.attn.out_proj", "blk.*.attn_output"), new Rename("h.*.mlp.fc_in", "blk.*.ffn_up"),
                    new Rename("h.*.mlp.fc_out", "blk.*.ffn_down"), new Rename("lm_head", "output"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return n.withTable(checkpoint);
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = Gpt.decoder(tensors, n, part -> Gpt.isFfn(part) || part.equals("output"));
            Value x = d.embed(n.vocab());
            for (int layer = 0; layer < n.layers(); layer++) {
                int l = layer;
                Value normed = d.norm(x, l, "attn_norm");
                x = Gpt.parallel(d, x, l, d.attention(normed, l, attention), normed, h -> d.plain(h, l, n.ffn(), activation));
            }
            return Gpt.built(d, x, "gptj", n, attention.rope(), tensors);
        }
    }
}
