package io.jllm.model.arch;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.RowOrder;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What llama made common: pre-norm, grouped heads that are rotated as a whole, gated SiLU, the same numbers in all layers but for windows.
 * A family says in what it differs.
 */
abstract class LlamaLike implements Architecture {
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
    LlamaLike(String name, String ggufName, Rope.Layout ggufRope, ConfigDefaults unsaid) {
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
    ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return ModelConfig.Biases.NONE;
    }

    /** How {@code config.json} says which layers have a sliding window. */
    WindowRule windowRule() {
        return WindowRule.NONE;
    }

    /** Which dimensions of q and k are rotated together as Hugging Face folders have them. */
    Rope.Layout folderRope() {
        return Rope.Layout.NEOX;
    }

    /** GGUF's name of the norm before the feed-forward part. */
    String ffnNorm() {
        return "ffn_norm";
    }

    /** Whether a layer's queries and keys are rotated, for each layer. */
    List<Boolean> rotated(Keys keys, int layers) {
        return Collections.nCopies(layers, true);
    }

    /** Whether each head of q and k is normed before it is rotated. */
    boolean normsHeads() {
        return false;
    }

    @Override
    public final Model read(Keys keys) {
        var activation = keys.activation(Op.Activation.SILU);
        int layers = keys.integer(Key.LAYERS, unsaid.layers());
        int hidden = keys.integer(Key.HIDDEN, unsaid.hidden());
        int ffn = keys.uniform(Key.FFN, layers, unsaid.ffn());
        int heads = keys.uniform(Key.HEADS, layers, unsaid.heads());
        int kvHeads = keys.kvHeads(layers, heads, unsaid.kvHeads());
        var shape = keys.attention(heads, kvHeads, keys.headDim(hidden, heads, unsaid.headDim()));
        float eps = (float) keys.real(Key.RMS_EPS, unsaid.eps());
        int context = keys.context(unsaid.context());
        int experts = keys.optionalInteger(Key.EXPERTS).orElse(0);
        if (experts > 0) {
            throw new ModelLoadException(keys.name(Key.EXPERTS) + " is " + experts + "; mixtures of experts are not supported");
        }
        int vocab = keys.vocab(Decoder.EMBEDDINGS, unsaid.vocab());
        var rope = keys.rope(Rotary.of(shape.headDim(), context).base(Key.ROPE_BASE, unsaid.ropeBase()).layouts(folderRope(), ggufRope));
        var windows = keys.windows(layers, windowRule());
        var tied = keys.knows(Key.TIED) ? Optional.of(keys.flag(Key.TIED).orElse(unsaid.tied())) : Optional.<Boolean>empty();
        boolean attentionBias = keys.flag(Key.ATTENTION_BIAS).orElse(keys.knows(Key.ATTENTION_BIAS) && unsaid.attentionBias());
        var biases = biases(attentionBias, keys.flag(Key.MLP_BIAS).orElse(false));
        var config = new ModelConfig(name, layers, hidden, ffn, heads, kvHeads, shape.headDim(), vocab, context, eps, rope, windows,
                tied.orElse(true), biases);
        return new Numbers(config, tied, activation, normsHeads(), ggufRope != folderRope() ? new RowOrder(shape.headDim()) : RowOrder.KEPT,
                rotated(keys, layers), ffnNorm());
    }

    /**
     * A model.
     *
     * @param said its numbers before its tensors are seen
     * @param tied whether the files say that the output matrix is the embedding table; empty if they cannot
     * @param activation of its feed-forward part
     * @param normed whether heads of q and k are normed
     * @param order in which order a GGUF file has the rows of q and k
     * @param rotated which layers rotate them
     * @param ffnNorm GGUF's name of the norm before the feed-forward part
     */
    private record Numbers(ModelConfig said, Optional<Boolean> tied, Op.Activation activation, boolean normed, RowOrder order,
                           List<Boolean> rotated, String ffnNorm) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.LLAMA.with(new HuggingFaceNames.Rename("model.layers.*.post_attention_layernorm", "blk.*." + ffnNorm));
        }

        /** Of a matrix that is both, some folders hold the output matrix and no embedding table. */
        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            boolean outputOnly = checkpoint.find(Decoder.EMBEDDINGS).isEmpty() && checkpoint.find(Decoder.OUTPUT).isPresent();
            return said.tiedEmbeddings() && outputOnly ? new RenamedWeights(checkpoint, Decoder.OUTPUT, Decoder.EMBEDDINGS) : checkpoint;
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
            var config = said.with(isTied(tensors), said.biases().or(found));
            return new Built(config, program(config));
        }

        /** As transformers 5 has it: what the configuration says, unless there are two matrices and they differ. */
        private boolean isTied(WeightSource tensors) {
            var table = tensors.find(Decoder.EMBEDDINGS);
            var output = tensors.find(Decoder.OUTPUT);
            return tied.map(claim -> claim && (table.isEmpty() || output.isEmpty() || same(table.get(), output.get())))
                    .orElse(output.isEmpty());
        }

        private static boolean same(Weights a, Weights b) {
            return a.format().equals(b.format())
                    && a.slice(0, a.rows()).flatMap(x -> b.slice(0, b.rows()).map(y -> x.mismatch(y) == -1)).orElse(false);
        }

        private static boolean hasBias(WeightSource tensors, String... parts) {
            for (var part : parts) {
                if (tensors.find("blk.0." + part + ".bias").isPresent()) {
                    return true;
                }
            }
            return false;
        }

        private Program program(ModelConfig c) {
            List<Decoder.Layer> layers = IntStream.range(0, c.layers())
                    .mapToObj(l -> new Decoder.Layer(c.shape(), rotated.get(l) ? c.rope() : Rope.none(c.headDim()), c.windows().get(l), c.ffn()))
                    .toList();
            var d = new Decoder(c.hidden(), c.normEps(), c.biases(), layers, ffnNorm);
            var x = d.embed(c.vocab());
            for (int l = 0; l < c.layers(); l++) {
                x = d.gatedMlp(d.attention(x, l, normed), l, activation);
            }
            return d.logits(x, c.vocab(), c.tiedEmbeddings());
        }
    }
}
