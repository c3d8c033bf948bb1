package io.jllm.model.decoder;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.RowOrder;
import io.jllm.model.Scores;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What llama made common: pre-norm, grouped heads that are rotated as a whole, gated SiLU, the same numbers in all layers but for windows.
 * A family says in what it differs.
 */
public abstract class LlamaLike implements Architecture {
    private final String name;
    private final String ggufName;
    private final Rope.Layout ggufRope;
    private final ConfigDefaults unsaid;

    /**
     * A family.
     *
     * @param ggufRope which dimensions of q and k its GGUF files rotate together
     * @param unsaid what {@code config.json} may leave out
     */
    protected LlamaLike(String name, String ggufName, Rope.Layout ggufRope, ConfigDefaults unsaid) {
        this.name = name;
        this.ggufName = ggufName;
        this.ggufRope = ggufRope;
        this.unsaid = unsaid;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final String ggufName() {
        return ggufName;
    }

    /**
     * Which biases a model has, beside those of its tensors.
     *
     * @param attention what {@link Key#ATTENTION_BIAS} says
     * @param mlp what {@link Key#MLP_BIAS} says
     */
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return ModelConfig.Biases.NONE;
    }

    /** How {@code config.json} says which layers have a sliding window. */
    protected WindowRule windowRule() {
        return WindowRule.NONE;
    }

    /** Which dimensions of q and k are rotated together as Hugging Face folders have them. */
    protected Rope.Layout folderRope() {
        return Rope.Layout.NEOX;
    }

    /** GGUF's name of the norm before the feed-forward part. */
    protected String ffnNorm() {
        return "ffn_norm";
    }

    /** Whether a layer's queries and keys are rotated, for each layer. */
    protected List<Boolean> rotated(Keys keys, int layers) {
        return Collections.nCopies(layers, true);
    }

    /** Whether each head of q and k is normed before it is rotated. */
    protected boolean normsHeads() {
        return false;
    }

    @Override
    public Model read(Keys keys) {
        var activation = keys.activation(Op.Activation.SILU);
        var n = Numbers.read(keys, unsaid, Key.RMS_EPS);
        int experts = keys.optionalInteger(Key.EXPERTS).orElse(0);
        if (experts > 0) {
            throw new ModelLoadException(keys.name(Key.EXPERTS) + " is " + experts + "; mixtures of experts are not supported");
        }
        int headDim = n.shape().headDim();
        var rope = keys.rope(Rotary.of(headDim, n.context()).base(Key.ROPE_BASE, unsaid.ropeBase()).layouts(folderRope(), ggufRope));
        var windows = keys.windows(n.layers(), windowRule());
        boolean attentionBias = keys.flag(Key.ATTENTION_BIAS).orElse(keys.knows(Key.ATTENTION_BIAS) && unsaid.attentionBias());
        var biases = biases(attentionBias, keys.flag(Key.MLP_BIAS).orElse(false));
        return new LlamaModel(name, n, rope, windows, biases, activation, normsHeads(),
                ggufRope != folderRope() ? new RowOrder(headDim) : RowOrder.KEPT, rotated(keys, n.layers()), ffnNorm());
    }

    /**
     * A model.
     *
     * @param said which biases the files speak of; those that are there count too
     * @param normed whether heads of q and k are normed
     * @param order in which order a GGUF file has the rows of q and k
     * @param rotated which layers rotate them
     * @param ffnNorm GGUF's name of the norm before the feed-forward part
     */
    private record LlamaModel(String family, Numbers n, Rope rope, List<Integer> windows, ModelConfig.Biases said, Op.Activation activation,
                              boolean normed, RowOrder order, List<Boolean> rotated, String ffnNorm) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.LLAMA.with(new HuggingFaceNames.Rename("model.layers.*.post_attention_layernorm", "blk.*." + ffnNorm));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return n.withTable(checkpoint);
        }

        @Override
        public RowOrder ggufOrder(String tensor) {
            return tensor.contains(".attn_q.") || tensor.contains(".attn_k.") ? order : RowOrder.KEPT;
        }

        /** The tensors decide what a configuration leaves open: biases, and in a GGUF file an output matrix of its own. */
        @Override
        public Built build(WeightSource tensors) {
            var found = new ModelConfig.Biases(hasBias(tensors, "attn_q", "attn_k", "attn_v"), hasBias(tensors, "attn_output"),
                    hasBias(tensors, "ffn_gate", "ffn_up", "ffn_down"));
            var biases = said.or(found);
            boolean tied = n.isTied(tensors);
            return new Built(n.config(family, rope, windows, tied, biases), program(tensors, biases, tied));
        }

        private static boolean hasBias(WeightSource tensors, String... parts) {
            return Stream.of(parts).anyMatch(part -> tensors.find("blk.0." + part + ".bias").isPresent());
        }

        private static boolean biased(ModelConfig.Biases biases, String module) {
            return switch (module.substring(module.lastIndexOf('.') + 1)) {
                case "attn_q", "attn_k", "attn_v" -> biases.qkv();
                case "attn_output" -> biases.attentionOutput();
                case "ffn_gate", "ffn_up", "ffn_down" -> biases.mlp();
                default -> false;
            };
        }

        private Program program(WeightSource tensors, ModelConfig.Biases biases, boolean tied) {
            var d = new Decoder(tensors, n.hidden(), n.layers(), HeadOp.Kind.RMS, n.eps(), module -> biased(biases, module));
            var x = d.embed(n.vocab());
            for (int l = 0; l < n.layers(); l++) {
                x = d.linearAdd(x, d.attention(d.norm(x, l, "attn_norm"), l, attention(l)), l, "attn_output");
                x = d.wanted(x, l);
                x = d.linearAdd(x, d.gated(d.norm(x, l, ffnNorm), l, n.ffn(), activation), l, "ffn_down");
            }
            return d.logits(x, n.vocab(), tied);
        }

        private Decoder.Attention attention(int layer) {
            var norm = normed ? Optional.of(new Op.QkNorm(Decoder.name(layer, "attn_q_norm"), Decoder.name(layer, "attn_k_norm"), n.eps()))
                    : Optional.<Op.QkNorm>empty();
            int headDim = n.shape().headDim();
            return new Decoder.Attention(n.shape(), rotated.get(layer) ? rope : Rope.none(headDim),
                    Scores.of(headDim).window(windows.get(layer)), norm);
        }
    }
}
