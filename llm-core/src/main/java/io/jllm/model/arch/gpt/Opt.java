package io.jllm.model.arch.gpt;

import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.HeadOp;
import io.jllm.model.Limits;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Numbers;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * OPT: learned positions, of which the first two rows stand for none; norms before or behind their parts; embeddings that may be narrower than the
 * layers. llama.cpp does not run it: names and keys of its GGUF files are ours. Source: Zhang et al., OPT, 2022.
 */
public final class Opt implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(50_272, 768, 3072, 12, 12, OptionalInt.empty(), OptionalInt.empty(), 2048,
            10_000, 1e-5, true, false);
    /** No configuration says it. */
    private static final Key EPS = Key.LAYER_EPS.named();
    private static final Key BEFORE = Key.flag("norm_before", "do_layer_norm_before");
    private static final Key NO_LAST = Key.flag("no_output_norm", "_remove_final_layer_norm");
    private static final Key AFFINE = Key.flag("norm_affine", "layer_norm_elementwise_affine");
    private static final Key BIAS = Key.flag("use_bias", "enable_bias");
    private static final Key EMBEDDING = Key.whole("embedding_width", 1, Limits.WIDTH, "word_embed_proj_dim");
    private static final int OFFSET = 2;

    /** The family. */
    public Opt() {
    }

    @Override
    public String name() {
        return "opt";
    }

    @Override
    public Model read(Keys keys) {
        var n = Numbers.read(keys, UNSAID, EPS, (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> heads, heads));
        boolean before = keys.flag(BEFORE, true);
        int headDim = n.shape().headDim();
        return new OptModel(n, new Decoder.Attention(n.shape(), Rope.none(headDim), Scores.of(headDim)), before,
                before && !keys.flag(NO_LAST, false), keys.flag(AFFINE, true), keys.flag(BIAS, true),
                keys.optionalInteger(EMBEDDING).orElse(n.hidden()), Gpt.activation(keys, Op.Activation.RELU));
    }

    /**
     * A model.
     *
     * @param before whether norms come before their parts
     * @param last whether there is one behind the last layer
     * @param affine whether norms have weights and biases
     * @param width floats of an embedding
     */
    private record OptModel(Numbers n, Decoder.Attention attention, boolean before, boolean last, boolean affine, boolean bias, int width,
                            Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.below("model.decoder.", new Rename("embed_tokens", "token_embd"), new Rename("embed_positions", "position_embd"),
                    new Rename("project_in", "project_in"), new Rename("project_out", "project_out"),
                    new Rename("final_layer_norm", "output_norm"), new Rename("layers.*.self_attn_layer_norm", "blk.*.attn_norm"),
                    new Rename("layers.*.final_layer_norm", "blk.*.ffn_norm"), new Rename("layers.*.self_attn.q_proj", "blk.*.attn_q"),
                    new Rename("layers.*.self_attn.k_proj", "blk.*.attn_k"), new Rename("layers.*.self_attn.v_proj", "blk.*.attn_v"),
                    new Rename("layers.*.self_attn.out_proj", "blk.*.attn_output"), new Rename("layers.*.fc1", "blk.*.ffn_up"),
                    new Rename("layers.*.fc2", "blk.*.ffn_down"), new Rename("lm_head", "output"));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return n.withTable(checkpoint);
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = new Decoder(tensors, n.hidden(), n.layers(), HeadOp.Kind.LAYER, n.eps(), module -> {
                var part = module.substring(module.lastIndexOf('.') + 1);
                return Gpt.isNorm(part) ? affine : bias && (Gpt.isAttention(part) || Gpt.isFfn(part));
            });
            var p = d.ops();
            Value x = p.embed(Decoder.EMBEDDINGS, n.vocab(), width);
            x = width == n.hidden() ? x : p.linear(x, d.weight("project_in", n.hidden()));
            x = p.addPositions(x, "position_embd.weight", n.context() + OFFSET, OFFSET);
            for (int l = 0; l < n.layers(); l++) {
                x = layer(d, x, l);
            }
            x = last ? d.norm(x, "output_norm") : x;
            x = width == n.hidden() ? x : p.linear(x, d.weight("project_out", width));
            boolean tied = n.isTied(tensors);
            Value logits = p.linear(x, tied ? new Weight(Decoder.EMBEDDINGS, n.vocab(), Optional.empty()) : d.weight("output", n.vocab()));
            return n.built(p.build(logits), "opt", attention.rope(), Collections.nCopies(n.layers(), 0), tied, tensors);
        }

        private Value layer(Decoder d, Value x, int l) {
            if (before) {
                return Gpt.sequential(d, x, l, h -> d.attention(h, l, attention), h -> d.plain(h, l, n.ffn(), activation));
            }
            Value attended = d.norm(d.wanted(d.linearAdd(x, d.attention(x, l, attention), l, "attn_output"), l), l, "attn_norm");
            return d.norm(d.linearAdd(attended, d.plain(attended, l, n.ffn(), activation), l, "ffn_down"), l, "ffn_norm");
        }
    }
}
