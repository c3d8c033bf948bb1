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
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.Optional;

/** BLOOM: linear biases of attention, and a norm behind the embeddings. Source: Le Scao et al., BLOOM, 2022. */
public final class Bloom implements Architecture {
    private static final ConfigDefaults UNSAID = ConfigDefaults.ofGpt(250_880, 64, 2, 8, 2048, true);
    /** GGUF files of llama.cpp do not have it. */
    private static final Key AFTER_NORM = Key.flag("residual_after_norm", "apply_residual_connection_post_layernorm");
    private static final double MAX_ALIBI = 8;

    /** The family. */
    public Bloom() {
    }

    @Override
    public String name() {
        return "bloom";
    }

    @Override
    public Model read(Keys keys) {
        var n = Numbers.read(keys, UNSAID, Key.LAYER_EPS, (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> heads, heads));
        int headDim = n.shape().headDim();
        var scores = Scores.of(headDim).alibi(Scores.Alibi.of(n.shape().heads(), MAX_ALIBI));
        // what llama.cpp's converter writes where a folder does not say for what context its model was trained
        boolean unsaid = n.context() == n.hidden();
        return new BloomModel(unsaid ? n.with(n.eps(), UNSAID.context()) : n, new Decoder.Attention(n.shape(), Rope.none(headDim), scores),
                keys.flag(AFTER_NORM).orElse(false));
    }

    /**
     * A model.
     *
     * @param afterNorm whether norms are added to what is computed from them, and not what they are of
     */
    private record BloomModel(Numbers n, Decoder.Attention attention, boolean afterNorm) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.below("transformer.", new Rename("word_embeddings", "token_embd"),
                    new Rename("word_embeddings_layernorm", "token_embd_norm"), new Rename("ln_f", "output_norm"),
                    new Rename("h.*.input_layernorm", "blk.*.attn_norm"), new Rename("h.*.post_attention_layernorm", "blk.*.ffn_norm"),
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
            var d = Gpt.decoder(tensors, n, part -> Gpt.isAttention(part) || Gpt.isFfn(part));
            Value x = d.norm(d.embed(n.vocab()), "token_embd_norm");
            for (int l = 0; l < n.layers(); l++) {
                x = layer(d, x, l);
            }
            return Gpt.built(d, x, "bloom", n, attention.rope(), tensors);
        }

        private Value layer(Decoder d, Value x, int l) {
            Value h = d.norm(x, l, "attn_norm");
            Value attended = d.wanted(d.linearAdd(afterNorm ? h : x, d.attention(h, l, attention), l, "attn_output"), l);
            Value normed = d.norm(attended, l, "ffn_norm");
            return d.linearAdd(afterNorm ? normed : attended, d.plain(normed, l, n.ffn(), Op.Activation.GELU_TANH), l, "ffn_down");
        }
    }
}
