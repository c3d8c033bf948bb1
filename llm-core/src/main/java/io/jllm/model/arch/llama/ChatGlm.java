package io.jllm.model.arch.llama;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
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
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * ChatGLM 2 and 3, and GLM-4 in its first form: as llama, with neighbouring dimensions of half of each head rotated, q, k and v in one product, and
 * gate and up in one. {@code rope_ratio} multiplies the base. Source: Team GLM, ChatGLM: a family of large language models, 2024.
 */
public final class ChatGlm implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(65_024, 4096, 13_696, 28, 32, OptionalInt.empty(), OptionalInt.of(128), 2048,
            10_000, 1e-5, false, false);
    private static final double TURNED = 0.5;
    private static final double LATER_EPS = 1.5625e-7;
    private static final int LATER_CONTEXT = 131_072;
    private static final Key EPS = Key.RMS_EPS.named("layernorm_epsilon");
    /** Rows of logits; {@code vocab_size} may be the tokenizer's. */
    private static final Key PADDED = Key.whole("", 1, Limits.VOCAB, "padded_vocab_size");
    private static final Key RATIO = Key.positive("", "rope_ratio");
    private static final Key GROUPED = Key.flag("", "multi_query_attention");
    private static final Key GROUPS = Key.whole("", 1, Limits.HEADS, "multi_query_group_num");
    /** GGUF files of llama.cpp do not have it. */
    private static final Key AFTER_NORM = Key.flag("residual_after_norm", "apply_residual_connection_post_layernorm");
    private static final Key LAST_NORM = Key.flag("", "post_layer_norm");
    private static final Key RMS = Key.flag("", "rmsnorm");
    private static final Key BIAS = Key.flag("", "add_bias_linear");
    private static final Key QKV_BIAS = Key.flag("", "add_qkv_bias");
    private static final Key FIRST = Key.flag("", "position_encoding_2d");
    /** A tuned prefix, and quantised checkpoints, are not supported. */
    private static final Key PREFIX = Key.whole("", 0, 0, "pre_seq_len");
    private static final Key BITS = Key.whole("", 0, 0, "quantization_bit");
    private static final Key WHERE = Key.text("", "_name_or_path");

    /** The family. */
    public ChatGlm() {
    }

    @Override
    public String name() {
        return "chatglm";
    }

    @Override
    public Model read(Keys keys) {
        refuse(keys);
        boolean grouped = keys.flag(GROUPED).orElse(false);
        var said = Numbers.read(keys, UNSAID, EPS, (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> grouped ? keys.integer(GROUPS, 1) : heads,
                heads));
        var n = keys.has(PADDED) ? said.withVocab(keys.derivedInteger(Key.VOCAB, () -> keys.integer(PADDED), said.vocab()))
                : isLaterGlm(keys, said) ? said.with(LATER_EPS, LATER_CONTEXT) : said;
        double base = UNSAID.ropeBase() * keys.optionalReal(RATIO).orElse(1);
        var rope = keys.rope(Rotary.of(n.shape().headDim(), n.context()).base(Key.ROPE_BASE, base).mayBePartial(TURNED).unscaled()
                .layouts(Rope.Layout.INTERLEAVED, Rope.Layout.INTERLEAVED));
        boolean bias = keys.flag(BIAS).orElse(false);
        return new ChatGlmModel(n, new Decoder.Attention(n.shape(), rope, Scores.of(n.shape().headDim())), grouped,
                keys.flag(AFTER_NORM).orElse(false), bias, bias || keys.flag(QKV_BIAS).orElse(false));
    }

    /**
     * Whether a file is of a later GLM: llama.cpp's converter calls them so, too, and does not find two of their keys. It writes ChatGLM's
     * epsilon then, and the hidden size for the context.
     */
    private static boolean isLaterGlm(Keys keys, Numbers said) {
        return !keys.knows(PADDED) && said.eps() == (float) UNSAID.eps() && said.context() == said.hidden();
    }

    private static void refuse(Keys keys) {
        if (keys.has(FIRST)) {
            throw new ModelLoadException(keys.name(FIRST) + " is there: the first ChatGLM is not supported; ChatGLM2 and ChatGLM3 are");
        }
        keys.only(RMS, true);
        keys.only(LAST_NORM, true);
        keys.optionalInteger(PREFIX);
        keys.optionalInteger(BITS);
        if (keys.optionalReal(RATIO).orElse(1) != 1 && keys.text(WHERE).filter(where -> where.contains("chatglm2")).isPresent()) {
            throw new ModelLoadException(keys.name(RATIO) + " is " + keys.optionalReal(RATIO).orElse(1) + "; ChatGLM2 divides positions by it, "
                    + "which is not supported; later models multiply the base of the rotation by it, which is");
        }
    }

    /**
     * A model.
     *
     * @param grouped whether a checkpoint has q, then k, then v; or else those of one head after the other
     * @param afterNorm whether norms are added to what is computed from them, and not what they are of
     * @param bias whether all products have a bias
     * @param qkvBias whether the one for q, k and v has
     */
    private record ChatGlmModel(Numbers n, Decoder.Attention attention, boolean grouped, boolean afterNorm, boolean bias, boolean qkvBias)
            implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.below("transformer.", new Rename("embedding.word_embeddings", "token_embd"),
                    new Rename("output_layer", "output"), new Rename("encoder.final_layernorm", "output_norm"),
                    new Rename("encoder.layers.*.input_layernorm", "blk.*.attn_norm"),
                    new Rename("encoder.layers.*.post_attention_layernorm", "blk.*.ffn_norm"),
                    new Rename("encoder.layers.*.self_attention.query_key_value", "blk.*.attn_qkv"),
                    new Rename("encoder.layers.*.self_attention.dense", "blk.*.attn_output"),
                    new Rename("encoder.layers.*.mlp.dense_h_to_4h", "blk.*.ffn_up"),
                    new Rename("encoder.layers.*.mlp.dense_4h_to_h", "blk.*.ffn_down"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            var whole = n.withTable(checkpoint);
            return grouped ? whole : new MadeWeights(whole, (all, name) -> name.contains(".attn_qkv.")
                    ? all.find(name).map(w -> Rows.ungrouped(w, n.shape())) : Optional.empty());
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = new Decoder(tensors, n.hidden(), n.layers(), HeadOp.Kind.RMS, n.eps(), module -> {
                boolean product = module.startsWith("blk.") && !module.endsWith("_norm");
                return bias && product || qkvBias && module.endsWith(".attn_qkv") || tensors.find(module + ".bias").isPresent();
            });
            Value x = d.embed(n.vocab());
            for (int l = 0; l < n.layers(); l++) {
                x = layer(d, x, l);
            }
            boolean tied = n.isTied(tensors);
            return n.built(d.logits(x, n.vocab(), tied), "chatglm", attention.rope(), Collections.nCopies(n.layers(), 0), tied, tensors);
        }

        private Value layer(Decoder d, Value x, int l) {
            Value h = d.norm(x, l, "attn_norm");
            Value attended = d.wanted(d.linearAdd(afterNorm ? h : x, d.attention(h, l, attention), l, "attn_output"), l);
            Value normed = d.norm(attended, l, "ffn_norm");
            return d.linearAdd(afterNorm ? normed : attended, d.gated(normed, l, n.ffn(), Op.Activation.SILU), l, "ffn_down");
        }
    }
}
