package io.jllm.model.arch.gpt;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Numbers;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * MPT: linear biases of attention, or learned positions, and limits of q, k and v. As in transformers, the feed-forward part is four times as wide
 * whatever {@code expansion_ratio} says. {@code alibi_bias_max} counts, as in its authors' code and in llama.cpp; transformers reads it and takes 8.
 * Biases, and norms of q and k, are there if their tensors are. Source: MosaicML, MPT-7B, 2023.
 */
public final class Mpt implements Architecture {
    private static final ConfigDefaults UNSAID = ConfigDefaults.ofGpt(50_368, 2048, 24, 16, 2048, true);
    private static final Key CLIP = Key.notNegative("attention.clamp_kqv", "attn_config.clip_qkv");
    /** GGUF files of llama.cpp do not have it. */
    private static final Key SCALE = Key.positive("attention.scale", "attn_config.softmax_scale");
    private static final Key ALIBI = Key.flag("", "attn_config.alibi");
    private static final Key ALIBI_MAX = Key.positive("", "attn_config.alibi_bias_max");
    private static final Key KIND = Key.text("", "attn_config.attn_type");
    private static final Key KV_HEADS = Key.whole("", 1, Limits.HEADS, "attn_config.kv_n_heads");
    private static final Key PREFIX = Key.flag("", "attn_config.prefix_lm");
    private static final Key NORM = Key.text("", "norm_type");
    private static final Key LOGIT_SCALE = Key.positive("logit_scale", "logit_scale");
    private static final String MULTI_QUERY = "multiquery_attention";
    private static final String POSITIONS = "position_embd.weight";
    private static final String ACT_SCALES = "blk.0.ffn_act.scales";
    private static final double UNSAID_MAX = 8;

    /** The family. */
    public Mpt() {
    }

    @Override
    public String name() {
        return "mpt";
    }

    @Override
    public Model read(Keys keys) {
        keys.only(PREFIX, false);
        only(keys, KIND, List.of("multihead_attention", MULTI_QUERY, "grouped_query_attention"));
        only(keys, NORM, List.of("low_precision_layernorm", "layernorm"));
        if (keys.has(LOGIT_SCALE)) {
            throw new ModelLoadException(keys.name(LOGIT_SCALE) + " is there; this family supports only models without it");
        }
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS, (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> kvHeads(keys, heads), heads));
        int headDim = n.shape().headDim();
        double max = keys.derivedReal(Key.MAX_ALIBI,
                () -> keys.flag(ALIBI).orElse(true) ? keys.optionalReal(ALIBI_MAX).orElse(UNSAID_MAX) : 0, 0);
        var scale = keys.optionalReal(SCALE);
        var scores = scale.isPresent() ? Scores.scaled((float) scale.getAsDouble()) : Scores.of(headDim);
        return new MptModel(n, max > 0 ? scores.alibi(Scores.Alibi.of(n.shape().heads(), max)) : scores,
                (float) keys.optionalReal(CLIP).orElse(0), keys.name(ALIBI));
    }

    private static void only(Keys keys, Key text, List<String> supported) {
        keys.text(text).filter(said -> !supported.contains(said)).ifPresent(said -> {
            throw new ModelLoadException(keys.name(text) + " is \"" + said + "\"; supported are " + String.join(", ", supported));
        });
    }

    private static int kvHeads(Keys keys, int heads) {
        OptionalInt said = keys.optionalInteger(KV_HEADS);
        return said.orElse(keys.text(KIND).filter(MULTI_QUERY::equals).isPresent() ? 1 : heads);
    }

    /**
     * A model.
     *
     * @param clip the limit of q, k and v; 0 for none
     * @param alibiKey how messages name the switch of linear biases
     */
    private record MptModel(Numbers n, Scores scores, float clip, String alibiKey) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.below("transformer.", new Rename("wte", "token_embd"), new Rename("wpe", "position_embd"),
                    new Rename("norm_f", "output_norm"), new Rename("blocks.*.norm_1", "blk.*.attn_norm"),
                    new Rename("blocks.*.norm_2", "blk.*.ffn_norm"), new Rename("blocks.*.attn.Wqkv", "blk.*.attn_qkv"),
                    new Rename("blocks.*.attn.q_ln", "blk.*.attn_q_norm"), new Rename("blocks.*.attn.k_ln", "blk.*.attn_k_norm"),
                    new Rename("blocks.*.attn.out_proj", "blk.*.attn_output"), new Rename("blocks.*.ffn.up_proj", "blk.*.ffn_up"),
                    new Rename("blocks.*.ffn.act", "blk.*.ffn_act"),
                    new Rename("blocks.*.ffn.down_proj", "blk.*.ffn_down"), new Rename("lm_head", "output"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return n.withTable(checkpoint);
        }

        @Override
        public Built build(WeightSource tensors) {
            if (tensors.find(ACT_SCALES).isPresent()) {
                throw new ModelLoadException("the tensor " + ACT_SCALES + " is there: activations that AWQ scales are not supported");
            }
            var d = new Decoder(tensors, n.hidden(), n.layers(), HeadOp.Kind.LAYER, n.eps());
            Value x = d.embed(n.vocab());
            if (scores.alibi().isEmpty()) {
                if (tensors.find(POSITIONS).isEmpty()) {
                    throw new ModelLoadException(alibiKey + " is false, and there is no tensor " + POSITIONS
                            + ": this family supports models with linear biases or with learned positions");
                }
                x = d.ops().addPositions(x, POSITIONS, n.context(), 0);
            }
            var attention = new Decoder.Attention(n.shape(), Rope.none(n.shape().headDim()), scores);
            for (int layer = 0; layer < n.layers(); layer++) {
                int l = layer;
                x = Gpt.sequential(d, x, l, h -> d.heads(normed(d, tensors, d.qkv(h, l, n.shape()), l), l, attention),
                        h -> d.plain(h, l, n.ffn(), Op.Activation.GELU));
            }
            return Gpt.built(d, x, "mpt", n, attention.rope(), tensors);
        }

        /** Limits come before norms. */
        private Value normed(Decoder d, WeightSource tensors, Value qkv, int l) {
            Value limited = clip > 0 ? d.ops().normHeads(qkv, n.shape(), Optional.empty(), Optional.empty(), clip) : qkv;
            if (tensors.find(Decoder.name(l, "attn_q_norm")).isEmpty()) {
                return limited;
            }
            return d.ops().normHeads(limited, n.shape(), Optional.of(norm(tensors, "blk." + l + ".attn_q_norm")),
                    Optional.of(norm(tensors, "blk." + l + ".attn_k_norm")), 0);
        }

        private HeadOp.HeadNorm norm(WeightSource tensors, String module) {
            return new HeadOp.HeadNorm(HeadOp.Kind.LAYER, HeadOp.Scope.ALL, Optional.of(module + ".weight"),
                    Optional.of(module + ".bias").filter(bias -> tensors.find(bias).isPresent()), n.eps());
        }
    }
}
