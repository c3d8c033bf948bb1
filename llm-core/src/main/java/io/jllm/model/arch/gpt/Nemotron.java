package io.jllm.model.arch.gpt;

import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rotary;
import io.jllm.model.Scores;
import io.jllm.model.TransformedWeights;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Numbers;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.OptionalInt;

/**
 * Nemotron 4 and Minitron: squared ReLU, a part of each head rotated; checkpoints hold the weights of norms less one.
 * Source: Parmar et al., Nemotron-4 15B, 2024.
 */
public final class Nemotron implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(256_000, 6144, 24_576, 32, 48, OptionalInt.empty(), OptionalInt.empty(), 4096,
            10_000, 1e-5, false, false);
    private static final double UNSAID_PART = 0.5;

    /** The family. */
    public Nemotron() {
    }

    @Override
    public String name() {
        return "nemotron";
    }

    @Override
    public Model read(Keys keys) {
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS);
        int headDim = n.shape().headDim();
        var rope = keys.rope(Rotary.of(headDim, n.context()).mayBePartial(UNSAID_PART));
        return new NemotronModel(n, new Decoder.Attention(n.shape(), rope, Scores.of(headDim)), keys.flag(Key.ATTENTION_BIAS).orElse(false),
                keys.flag(Key.MLP_BIAS).orElse(false), Gpt.activation(keys, Op.Activation.RELU_SQUARED));
    }

    private record NemotronModel(Numbers n, Decoder.Attention attention, boolean attentionBias, boolean ffnBias, Op.Activation activation)
            implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.LLAMA;
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return new TransformedWeights(n.withTable(checkpoint), name -> name.endsWith("norm.weight"), w -> 1 + w);
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = Gpt.decoder(tensors, n, part -> attentionBias && Gpt.isAttention(part) || ffnBias && Gpt.isFfn(part));
            Value x = d.embed(n.vocab());
            for (int layer = 0; layer < n.layers(); layer++) {
                int l = layer;
                x = Gpt.sequential(d, x, l, h -> d.attention(h, l, attention), h -> d.plain(h, l, n.ffn(), activation));
            }
            return Gpt.built(d, x, "nemotron", n, attention.rope(), tensors);
        }
    }
}
