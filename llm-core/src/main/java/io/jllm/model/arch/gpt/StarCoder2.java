package io.jllm.model.arch.gpt;

import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
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
import java.util.List;
import java.util.OptionalInt;

/** StarCoder2: grouped heads that are rotated as a whole, and a sliding window. Source: Lozhkov et al., StarCoder 2, 2024. */
public final class StarCoder2 implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(49_152, 3072, 12_288, 30, 24, OptionalInt.of(2), OptionalInt.empty(), 4096,
            10_000, 1e-5, true, false);
    private static final Key BIAS = Key.flag("", "use_bias");

    /** The family. */
    public StarCoder2() {
    }

    @Override
    public String name() {
        return "starcoder2";
    }

    @Override
    public Model read(Keys keys) {
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS);
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()));
        return new StarCoder2Model(n, rope, keys.windows(n.layers(), WindowRule.all(0)), keys.flag(BIAS).orElse(keys.knows(BIAS)),
                Gpt.activation(keys, Op.Activation.GELU_TANH));
    }

    private record StarCoder2Model(Numbers n, Rope rope, List<Integer> windows, boolean bias, Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.LLAMA.with(new Rename("model.layers.*.mlp.c_fc", "blk.*.ffn_up"),
                    new Rename("model.layers.*.mlp.c_proj", "blk.*.ffn_down"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return n.withTable(checkpoint);
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = Gpt.decoder(tensors, n, part -> bias && (Gpt.isAttention(part) || Gpt.isFfn(part)));
            Value x = d.embed(n.vocab());
            for (int layer = 0; layer < n.layers(); layer++) {
                int l = layer;
                var attention = new Decoder.Attention(n.shape(), rope, Scores.of(n.shape().headDim()).window(windows.get(l)));
                x = Gpt.sequential(d, x, l, h -> d.attention(h, l, attention), h -> d.plain(h, l, n.ffn(), activation));
            }
            return Gpt.built(d, x, "starcoder2", n, rope, windows, tensors);
        }
    }
}
