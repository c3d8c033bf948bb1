package io.jllm.model.arch.llama;

import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
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
import io.jllm.model.decoder.MadeWeights;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.Rows;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/** InternLM2: as llama, with q, k and v in one product, in groups. Source: Cai et al., InternLM2 report, 2024. */
public final class InternLm2 implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(103_168, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048,
            10_000, 1e-6, false, true);
    private static final Key BIAS = Key.flag("", "bias");
    private static final Pattern PART = Pattern.compile("(blk\\.\\d+\\.)attn_([qkv])\\.(weight|bias)");

    /** The family. */
    public InternLm2() {
    }

    @Override
    public String name() {
        return "internlm2";
    }

    @Override
    public Model read(Keys keys) {
        var activation = keys.activation(Op.Activation.SILU);
        var n = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()).layouts(Rope.Layout.NEOX, Rope.Layout.INTERLEAVED));
        return new InternLm2Model(n, rope, keys.flag(BIAS).orElse(keys.knows(BIAS) && UNSAID.attentionBias()), activation);
    }

    private record InternLm2Model(Numbers n, Rope rope, boolean bias, Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.LLAMA.with(new Rename("model.tok_embeddings", "token_embd"), new Rename("output", "output"),
                    new Rename("model.layers.*.attention_norm", "blk.*.attn_norm"), new Rename("model.layers.*.ffn_norm", "blk.*.ffn_norm"),
                    new Rename("model.layers.*.attention.wqkv", "blk.*.attn_groups"), new Rename("model.layers.*.attention.wo", "blk.*.attn_output"),
                    new Rename("model.layers.*.feed_forward.w1", "blk.*.ffn_gate"), new Rename("model.layers.*.feed_forward.w3", "blk.*.ffn_up"),
                    new Rename("model.layers.*.feed_forward.w2", "blk.*.ffn_down"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return new MadeWeights(n.withTable(checkpoint), this::part);
        }

        private Optional<Weights> part(WeightSource checkpoint, String name) {
            var matcher = PART.matcher(name);
            if (!matcher.matches()) {
                return Optional.empty();
            }
            var part = switch (matcher.group(2)) {
                case "q" -> Rows.Part.Q;
                case "k" -> Rows.Part.K;
                default -> Rows.Part.V;
            };
            return checkpoint.find(matcher.group(1) + "attn_groups." + matcher.group(3)).map(w -> Rows.ungrouped(w, name, n.shape(), part));
        }

        @Override
        public RowOrder ggufOrder(String tensor) {
            return Decoder.headOrder(tensor, new RowOrder(n.shape().headDim()));
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = new Decoder(tensors, n.hidden(), n.layers(), HeadOp.Kind.RMS, n.eps(), module ->
                    bias && module.contains(".attn_") && !module.endsWith("_norm") || tensors.find(module + ".bias").isPresent());
            var attention = new Decoder.Attention(n.shape(), rope, Scores.of(n.shape().headDim()));
            Value x = d.embed(n.vocab());
            for (int l = 0; l < n.layers(); l++) {
                x = d.gatedLayer(x, l, attention, n.ffn(), activation);
            }
            boolean tied = n.isTied(tensors);
            return n.built(d.logits(x, n.vocab(), tied), "internlm2", rope, Collections.nCopies(n.layers(), 0), tied, tensors);
        }
    }
}
