package io.jllm.model.arch.gpt;

import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.MadeWeights;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.Rows;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.Optional;
import java.util.regex.Pattern;

/** GPT-2: learned positions; checkpoints hold the transposes of its products. Source: Radford et al., 2019. */
public final class Gpt2 implements Architecture {
    private static final ConfigDefaults UNSAID = ConfigDefaults.ofGpt(50_257, 768, 12, 12, 1024, true);
    private static final Key CROSS = Key.flag("", "add_cross_attention");
    /** GGUF files of llama.cpp have neither this nor the next. */
    private static final Key SCALED = Key.flag("attention.scale_weights", "scale_attn_weights");
    private static final Key BY_LAYER = Key.flag("attention.scale_by_inverse_layer", "scale_attn_by_inverse_layer_idx");
    private static final Pattern PRODUCT = Pattern.compile("blk\\.\\d+\\.(attn_qkv|attn_output|ffn_up|ffn_down)\\.weight");

    /** The family. */
    public Gpt2() {
    }

    @Override
    public String name() {
        return "gpt2";
    }

    @Override
    public Model read(Keys keys) {
        keys.only(CROSS, false);
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS, (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> heads, heads));
        return new Gpt2Model(n, keys.flag(SCALED).orElse(true), keys.flag(BY_LAYER).orElse(false), Gpt.activation(keys, Op.Activation.GELU_TANH));
    }

    /**
     * A model.
     *
     * @param scaled whether scores are divided by the square root of the head's length
     * @param byLayer whether they are divided by the number of the layer, from 1 on
     */
    private record Gpt2Model(Numbers n, boolean scaled, boolean byLayer, Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return Gpt.names();
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return new MadeWeights(n.withTable(checkpoint), (all, name) -> PRODUCT.matcher(name).matches()
                    ? all.find(name).map(Rows::transposed) : Optional.empty());
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = Gpt.decoder(tensors, n, part -> Gpt.isAttention(part) || Gpt.isFfn(part));
            Value x = d.ops().addPositions(d.embed(n.vocab()), "position_embd.weight", n.context(), 0);
            var none = Rope.none(n.shape().headDim());
            for (int layer = 0; layer < n.layers(); layer++) {
                int l = layer;
                float scale = (scaled ? Scores.of(n.shape().headDim()).scale() : 1) / (byLayer ? l + 1 : 1);
                var attention = new Decoder.Attention(n.shape(), none, Scores.scaled(scale));
                x = Gpt.sequential(d, x, l, h -> d.attention(h, l, attention), h -> d.plain(h, l, n.ffn(), activation));
            }
            return Gpt.built(d, x, "gpt2", n, none, tensors);
        }
    }
}
