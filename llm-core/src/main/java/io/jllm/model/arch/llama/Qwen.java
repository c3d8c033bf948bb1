package io.jllm.model.arch.llama;

import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
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
import java.util.Collections;
import java.util.OptionalInt;

/**
 * The first Qwen: as llama, with q, k and v in one product that has a bias; {@code intermediate_size} counts gate and up together. What it does to
 * texts that are longer than {@code seq_length} (another base of the rotation, a factor for queries) is not computed: where a folder asks for it,
 * the context ends there. Source: Bai et al., Qwen report, 2023.
 */
public final class Qwen implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(151_936, 4096, 22_016, 32, 32, OptionalInt.empty(), OptionalInt.of(128), 8192,
            10_000, 1e-6, false, false);
    private static final Key EPS = Key.RMS_EPS.named("layer_norm_epsilon");
    private static final Key BASE = Key.ROPE_BASE.named("rotary_emb_base");
    private static final Key LENGTH = Key.whole("", 1, Limits.CONTEXT, "seq_length");
    private static final Key DYNAMIC = Key.flag("", "use_dynamic_ntk");
    private static final Key LOG_N = Key.flag("", "use_logn_attn");
    private static final Key NO_BIAS = Key.flag("", "no_bias");
    /** GGUF files of llama.cpp do not have it. */
    private static final Key SCALED = Key.flag("attention.scale_weights", "scale_attn_weights");

    /** The family. */
    public Qwen() {
    }

    @Override
    public String name() {
        return "qwen";
    }

    @Override
    public Model read(Keys keys) {
        var activation = keys.activation(Op.Activation.SILU);
        var said = Numbers.read(keys, UNSAID, EPS, (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> heads, heads));
        boolean longer = keys.flag(DYNAMIC).orElse(keys.knows(DYNAMIC)) || keys.flag(LOG_N).orElse(keys.knows(LOG_N));
        int limit = Math.min(said.context(), longer ? keys.optionalInteger(LENGTH).orElse(UNSAID.context()) : said.context());
        keys.derivedInteger(Key.CONTEXT, () -> limit, limit);
        var n = said.with(said.eps(), limit);
        int headDim = n.shape().headDim();
        var rope = keys.rope(Rotary.of(headDim, limit).base(BASE, UNSAID.ropeBase()).mayBePartial());
        var scores = keys.flag(SCALED).orElse(true) ? Scores.of(headDim) : Scores.scaled(1);
        return new QwenModel(n, new Decoder.Attention(n.shape(), rope, scores), !keys.flag(NO_BIAS).orElse(true), activation);
    }

    /**
     * A model.
     *
     * @param n its numbers, of which the feed-forward part's counts gate and up
     * @param bias whether the products that need not have a bias have one
     */
    private record QwenModel(Numbers n, Decoder.Attention attention, boolean bias, Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.below("transformer.", new Rename("wte", "token_embd"), new Rename("ln_f", "output_norm"),
                    new Rename("h.*.ln_1", "blk.*.attn_norm"), new Rename("h.*.ln_2", "blk.*.ffn_norm"),
                    new Rename("h.*.attn.c_attn", "blk.*.attn_qkv"), new Rename("h.*.attn.c_proj", "blk.*.attn_output"),
                    new Rename("h.*.mlp.w2", "blk.*.ffn_gate"), new Rename("h.*.mlp.w1", "blk.*.ffn_up"),
                    new Rename("h.*.mlp.c_proj", "blk.*.ffn_down"), new Rename("lm_head", "output"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return n.withTable(checkpoint);
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = new Decoder(tensors, n.hidden(), n.layers(), HeadOp.Kind.RMS, n.eps(), module -> {
                boolean product = module.endsWith(".attn_output") || module.contains(".ffn_") && !module.endsWith("_norm");
                return module.endsWith(".attn_qkv") || bias && product || tensors.find(module + ".bias").isPresent();
            });
            Value x = d.embed(n.vocab());
            for (int l = 0; l < n.layers(); l++) {
                x = d.gatedLayer(x, l, attention, n.ffn() / 2, activation);
            }
            boolean tied = n.isTied(tensors);
            return n.built(d.logits(x, n.vocab(), tied), "qwen", attention.rope(), Collections.nCopies(n.layers(), 0), tied, tensors);
        }
    }
}
