package io.jllm.model.arch.gpt;

import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rotary;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Numbers;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Phi 1, 1.5 and 2: attention and the feed-forward part of one norm, a part of each head rotated, biases everywhere.
 * Source: Li et al., phi-1.5, 2023.
 */
public final class Phi implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(51_200, 2048, 8192, 24, 32, OptionalInt.empty(), OptionalInt.empty(), 2048,
            10_000, 1e-5, false, false);
    /** GGUF files of llama.cpp do not have it. */
    private static final Key NORMS = Key.flag("attention.qk_norm", "qk_layernorm");
    private static final double UNSAID_PART = 0.5;

    /** The family. */
    public Phi() {
    }

    @Override
    public String name() {
        return "phi";
    }

    @Override
    public String ggufName() {
        return "phi2";
    }

    @Override
    public Model read(Keys keys) {
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS);
        keys.derivedInteger(Key.KV_HEADS, n.shape()::kvHeads, n.shape().kvHeads());
        int headDim = n.shape().headDim();
        var rope = keys.rope(Rotary.of(headDim, n.context()).mayBePartial(UNSAID_PART));
        return new PhiModel(n, new Decoder.Attention(n.shape(), rope, Scores.of(headDim)), keys.flag(NORMS).orElse(false),
                Gpt.activation(keys, Op.Activation.GELU_TANH));
    }

    private record PhiModel(Numbers n, Decoder.Attention attention, boolean normed, Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.LLAMA.with(new Rename("model.final_layernorm", "output_norm"),
                    new Rename("model.layers.*.self_attn.dense", "blk.*.attn_output"),
                    new Rename("model.layers.*.self_attn.q_layernorm", "blk.*.attn_q_norm"),
                    new Rename("model.layers.*.self_attn.k_layernorm", "blk.*.attn_k_norm"), new Rename("model.layers.*.mlp.fc1", "blk.*.ffn_up"),
                    new Rename("model.layers.*.mlp.fc2", "blk.*.ffn_down"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return n.withTable(checkpoint);
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = Gpt.decoder(tensors, n, part -> Gpt.isAttention(part) || Gpt.isFfn(part) || part.equals("output"));
            Value x = d.embed(n.vocab());
            for (int layer = 0; layer < n.layers(); layer++) {
                int l = layer;
                Value h = d.norm(x, l, "attn_norm");
                Value qkv = d.qkv(h, l, n.shape());
                Value ready = normed ? d.ops().normHeads(qkv, n.shape(), norm(l, "attn_q_norm"), norm(l, "attn_k_norm"), 0) : qkv;
                x = Gpt.parallel(d, x, l, d.heads(ready, l, attention), h, v -> d.plain(v, l, n.ffn(), activation));
            }
            return Gpt.built(d, x, "phi", n, attention.rope(), tensors);
        }

        private Optional<HeadOp.HeadNorm> norm(int layer, String part) {
            return Optional.of(new HeadOp.HeadNorm(HeadOp.Kind.LAYER, HeadOp.Scope.ALIKE, Optional.of(Decoder.name(layer, part)),
                    Optional.of("blk." + layer + "." + part + ".bias"), n.eps()));
        }
    }
}
