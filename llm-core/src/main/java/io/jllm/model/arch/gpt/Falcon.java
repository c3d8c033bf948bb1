package io.jllm.model.arch.gpt;

import io.jllm.ModelLoadException;
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
import io.jllm.model.decoder.MadeWeights;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.Rows;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.List;
import java.util.Optional;

/**
 * Falcon 7B, 40B, 11B and RW: attention beside the feed-forward part, of one norm or two, or before it; one key and value head, some, or as many as
 * query heads; a rotation or linear biases. Source: Almazrouei et al., The Falcon series, 2023.
 */
public final class Falcon implements Architecture {
    private static final ConfigDefaults UNSAID = ConfigDefaults.ofGpt(65_024, 4544, 32, 71, 2048, true);
    private static final Key NEW = Key.flag("", "new_decoder_architecture");
    private static final Key MULTI_QUERY = Key.flag("", "multi_query");
    private static final Key PARALLEL = Key.flag("", "parallel_attn");
    private static final Key NORMS = Key.whole("", 1, 2, "num_ln_in_parallel_attn");
    private static final Key KV_HEADS = Key.whole("", 1, Limits.HEADS, "num_kv_heads", "n_head_kv");
    private static final Key ALIBI = Key.flag("", "alibi");
    private static final Key BIAS = Key.flag("", "bias");
    private static final Key TYPE = Key.text("", "model_type");
    /** The model type of the first folders of the 40B model, which has the new architecture and does not say so. */
    private static final String FIRST_40B = "RefinedWeb";
    private static final double MAX_ALIBI = 8;
    /**
     * How often linear biases are added. The eager attention of transformers 5, whose results count here, adds them twice: to the scores, and in the
     * mask of causality. Its other attentions add them once.
     */
    private static final int TIMES = 2;

    /** The family. */
    public Falcon() {
    }

    @Override
    public String name() {
        return "falcon";
    }

    @Override
    public List<String> aliases() {
        return List.of(FIRST_40B, "RefinedWebModel");
    }

    @Override
    public Model read(Keys keys) {
        boolean grouped = keys.flag(NEW).orElse(keys.text(TYPE).filter(FIRST_40B::equals).isPresent());
        boolean beside = keys.flag(PARALLEL).orElse(true);
        if (grouped && !beside) {
            throw new ModelLoadException(keys.name(PARALLEL) + " is false; with " + keys.furtherName(NEW) + " it must be true");
        }
        int norms = keys.optionalInteger(NORMS).orElse(grouped ? 2 : 1);
        if (norms == 2 && beside && !grouped) {
            throw new ModelLoadException(keys.name(NORMS) + " is 2; without " + keys.furtherName(NEW) + " it must be 1");
        }
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS,
                (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> kvHeads(keys, grouped, heads), heads));
        double alibi = keys.derivedReal(Key.MAX_ALIBI, () -> keys.flag(ALIBI).orElse(false) ? MAX_ALIBI : 0, 0);
        int headDim = n.shape().headDim();
        var rope = alibi > 0 ? Rope.none(headDim) : keys.rope(Rotary.of(headDim, n.context()));
        var plain = Scores.of(headDim);
        var scores = alibi > 0 ? plain.alibi(Scores.Alibi.bfloat16(n.shape().heads(), alibi, TIMES * plain.scale())) : plain;
        var order = keys.knows(NEW) ? Optional.of(new Order(beside, norms == 2)) : Optional.<Order>empty();
        return new FalconModel(n, new Decoder.Attention(n.shape(), rope, scores), order, keys.flag(BIAS).orElse(false),
                Gpt.activation(keys, Op.Activation.GELU));
    }

    private static int kvHeads(Keys keys, boolean grouped, int heads) {
        if (!grouped && keys.flag(MULTI_QUERY).orElse(true)) {
            return 1;
        }
        int said = keys.optionalInteger(KV_HEADS).orElse(heads);
        if (!grouped && said != heads) {
            throw new ModelLoadException(keys.name(KV_HEADS) + " is " + said + "; without " + keys.furtherName(NEW) + " and "
                    + keys.furtherName(MULTI_QUERY) + " it must be " + heads + ", as there are query heads");
        }
        return said;
    }

    /**
     * How a layer is put together.
     *
     * @param beside whether the feed-forward part stands beside attention
     * @param twoNorms whether each of the two has its own norm then
     */
    private record Order(boolean beside, boolean twoNorms) {
    }

    /**
     * A model.
     *
     * @param order empty if its tensors say it
     */
    private record FalconModel(Numbers n, Decoder.Attention attention, Optional<Order> order, boolean bias, Op.Activation activation)
            implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.below("transformer.", new Rename("word_embeddings", "token_embd"), new Rename("ln_f", "output_norm"),
                    new Rename("h.*.input_layernorm", "blk.*.attn_norm"), new Rename("h.*.ln_mlp", "blk.*.attn_norm"),
                    new Rename("h.*.ln_attn", "blk.*.attn_norm_2"), new Rename("h.*.post_attention_layernorm", "blk.*.ffn_norm"),
                    new Rename("h.*.self_attention.query_key_value", "blk.*.attn_qkv"),
                    new Rename("h.*.self_attention.dense", "blk.*.attn_output"), new Rename("h.*.mlp.dense_h_to_4h", "blk.*.ffn_up"),
                    new Rename("h.*.mlp.dense_4h_to_h", "blk.*.ffn_down"), new Rename("lm_head", "output"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return new MadeWeights(n.withTable(checkpoint), (all, name) -> Gpt.isFused(name)
                    ? all.find(name).map(w -> Rows.ungrouped(w, n.shape())) : Optional.empty());
        }

        @Override
        public Built build(WeightSource tensors) {
            var o = order.orElseGet(() -> new Order(tensors.find("blk.0.ffn_norm.weight").isEmpty(),
                    tensors.find("blk.0.attn_norm_2.weight").isPresent()));
            var d = Gpt.decoder(tensors, n, part -> bias && (Gpt.isAttention(part) || Gpt.isFfn(part)));
            Value x = d.embed(n.vocab());
            for (int l = 0; l < n.layers(); l++) {
                x = layer(d, x, l, o);
            }
            return Gpt.built(d, x, "falcon", n, attention.rope(), tensors);
        }

        private Value layer(Decoder d, Value x, int l, Order o) {
            if (!o.beside()) {
                return Gpt.sequential(d, x, l, h -> d.attention(h, l, attention), h -> d.plain(h, l, n.ffn(), activation));
            }
            Value normed = d.norm(x, l, "attn_norm");
            Value attended = d.attention(o.twoNorms() ? d.norm(x, l, "attn_norm_2") : normed, l, attention);
            return Gpt.parallel(d, x, l, attended, normed, h -> d.plain(h, l, n.ffn(), activation));
        }
    }
}
