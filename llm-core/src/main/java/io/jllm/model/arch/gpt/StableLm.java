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
import io.jllm.model.decoder.MadeWeights;
import io.jllm.model.decoder.Numbers;
import io.jllm.quant.Assembled;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * StableLM: a gated feed-forward part behind attention or beside it, a part of each head rotated; heads of q and k may be normed, each with a
 * weight of its own. Source: Bellagente et al., Stable LM 2, 2024.
 */
public final class StableLm implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(50_304, 2560, 6912, 32, 32, OptionalInt.of(32), OptionalInt.empty(), 4096,
            10_000, 1e-5, false, false);
    private static final Key PARALLEL = Key.flag("use_parallel_residual", "use_parallel_residual");
    private static final Key BIAS = Key.flag("", "use_qkv_bias");
    private static final Key NORMS = Key.flag("", "qk_layernorm");
    private static final double UNSAID_PART = 0.25;
    private static final Pattern HEAD_NORMS = Pattern.compile("(blk\\.\\d+\\.attn_[qk]_norm)\\.weight");

    /** The family. */
    public StableLm() {
    }

    @Override
    public String name() {
        return "stablelm";
    }

    @Override
    public List<String> aliases() {
        return List.of("stablelm_epoch");
    }

    @Override
    public Model read(Keys keys) {
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS);
        keys.derivedInteger(Key.KV_HEADS, n.shape()::kvHeads, n.shape().kvHeads());
        int headDim = n.shape().headDim();
        var rope = keys.rope(Rotary.of(headDim, n.context()).mayBePartial(UNSAID_PART));
        return new StableLmModel(n, new Decoder.Attention(n.shape(), rope, Scores.of(headDim)), keys.flag(PARALLEL, false),
                keys.flag(BIAS).orElse(false), keys.flag(NORMS), Gpt.activation(keys, Op.Activation.SILU));
    }

    /**
     * A model.
     *
     * @param norms whether heads are normed; empty if the tensors say it
     */
    private record StableLmModel(Numbers n, Decoder.Attention attention, boolean parallel, boolean bias, Optional<Boolean> norms,
                                 Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.LLAMA.with(new Rename("model.layers.*.self_attn.q_layernorm.norms.*", "blk.*.attn_q_norm.*"),
                    new Rename("model.layers.*.self_attn.k_layernorm.norms.*", "blk.*.attn_k_norm.*"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return new MadeWeights(n.withTable(checkpoint), StableLmModel::stacked);
        }

        /** The norms of all heads: checkpoints hold them one by one. */
        private static Optional<Weights> stacked(WeightSource checkpoint, String name) {
            var matcher = HEAD_NORMS.matcher(name);
            if (!matcher.matches()) {
                return Optional.empty();
            }
            var parts = new ArrayList<Tensor>();
            for (int head = 0; checkpoint.find(matcher.group(1) + "." + head + ".weight").isPresent(); head++) {
                parts.add(checkpoint.tensor(matcher.group(1) + "." + head + ".weight"));
            }
            return parts.isEmpty() ? Optional.empty() : Optional.of(new Assembled(name, parts));
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = Gpt.decoder(tensors, n, part -> bias && (part.equals("attn_q") || part.equals("attn_k") || part.equals("attn_v")));
            boolean normed = norms.orElse(tensors.find(Decoder.name(0, "attn_q_norm")).isPresent());
            Value x = d.embed(n.vocab());
            for (int l = 0; l < n.layers(); l++) {
                x = layer(d, x, l, normed);
            }
            return Gpt.built(d, x, "stablelm", n, attention.rope(), tensors);
        }

        private Value layer(Decoder d, Value x, int l, boolean normed) {
            if (!parallel) {
                return Gpt.sequential(d, x, l, h -> heads(d, h, l, normed), h -> d.gated(h, l, n.ffn(), activation));
            }
            Value h = d.norm(x, l, "attn_norm");
            return Gpt.parallel(d, x, l, heads(d, h, l, normed), h, v -> d.gated(v, l, n.ffn(), activation));
        }

        private Value heads(Decoder d, Value h, int l, boolean normed) {
            Value qkv = d.qkv(h, l, n.shape());
            return d.heads(normed ? d.ops().normHeads(qkv, n.shape(), norm(l, "attn_q_norm"), norm(l, "attn_k_norm"), 0) : qkv, l, attention);
        }

        private Optional<HeadOp.HeadNorm> norm(int layer, String part) {
            return Optional.of(new HeadOp.HeadNorm(HeadOp.Kind.LAYER, HeadOp.Scope.EACH, Optional.of(Decoder.name(layer, part)), Optional.empty(),
                    n.eps()));
        }
    }
}
