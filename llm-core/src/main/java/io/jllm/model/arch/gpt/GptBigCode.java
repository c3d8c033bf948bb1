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

/** GPTBigCode: StarCoder and SantaCoder. GPT-2 with one head of keys and values for all queries. Source: Li et al., StarCoder, 2023. */
public final class GptBigCode implements Architecture {
    private static final ConfigDefaults UNSAID = ConfigDefaults.ofGpt(50_257, 768, 12, 12, 1024, true);
    private static final Key CROSS = Key.flag("", "add_cross_attention");
    private static final Key MULTI_QUERY = Key.flag("", "multi_query");
    /** GGUF files of llama.cpp do not have it. */
    private static final Key SCALED = Key.flag("attention.scale_weights", "scale_attn_weights");

    /** The family. */
    public GptBigCode() {
    }

    @Override
    public String name() {
        return "gpt_bigcode";
    }

    @Override
    public String ggufName() {
        return "starcoder";
    }

    @Override
    public Model read(Keys keys) {
        keys.only(CROSS, false);
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS,
                (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> keys.flag(MULTI_QUERY).orElse(true) ? 1 : heads, heads));
        int headDim = n.shape().headDim();
        var scores = keys.flag(SCALED).orElse(true) ? Scores.of(headDim) : Scores.scaled(1);
        return new GptBigCodeModel(n, new Decoder.Attention(n.shape(), Rope.none(headDim), scores),
                Gpt.activation(keys, Op.Activation.GELU_TANH));
    }

    private record GptBigCodeModel(Numbers n, Decoder.Attention attention, Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return Gpt.names();
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return new MadeWeights(n.withTable(checkpoint), (all, name) -> Gpt.isFused(name)
                    ? all.find(name).map(w -> Rows.ungrouped(w, n.shape())) : Optional.empty());
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = Gpt.decoder(tensors, n, part -> Gpt.isAttention(part) || Gpt.isFfn(part));
            Value x = d.ops().addPositions(d.embed(n.vocab()), "position_embd.weight", n.context(), 0);
            for (int layer = 0; layer < n.layers(); layer++) {
                int l = layer;
                x = Gpt.sequential(d, x, l, h -> d.attention(h, l, attention), h -> d.plain(h, l, n.ffn(), activation));
            }
            return Gpt.built(d, x, "gpt_bigcode", n, attention.rope(), tensors);
        }
    }
}
