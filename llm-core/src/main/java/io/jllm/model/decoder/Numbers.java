package io.jllm.model.decoder;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.List;
import java.util.Optional;

/**
 * The numbers that nearly all families have.
 *
 * @param layers transformer layers
 * @param hidden floats a token between layers
 * @param ffn floats inside the feed-forward part
 * @param shape heads of attention
 * @param eps added in norms
 * @param context positions that the model was trained for
 * @param vocab rows of logits
 * @param tied whether the files say that the output matrix is the embedding table; empty if they cannot
 */
public record Numbers(int layers, int hidden, int ffn, Op.AttentionShape shape, float eps, int context, int vocab, Optional<Boolean> tied) {
    /**
     * Reads them under their usual names.
     *
     * @param unsaid what {@code config.json} may leave out
     * @param eps {@link Key#RMS_EPS} or {@link Key#LAYER_EPS}
     */
    public static Numbers read(Keys keys, ConfigDefaults unsaid, Key eps) {
        int layers = keys.integer(Key.LAYERS, unsaid.layers());
        int hidden = keys.integer(Key.HIDDEN, unsaid.hidden());
        int ffn = keys.uniform(Key.FFN, layers, unsaid.ffn());
        int heads = keys.uniform(Key.HEADS, layers, unsaid.heads());
        int kvHeads = keys.kvHeads(layers, heads, unsaid.kvHeads());
        var shape = keys.attention(heads, kvHeads, keys.headDim(hidden, heads, unsaid.headDim()));
        float epsilon = (float) keys.real(eps, unsaid.eps());
        int context = keys.context(Key.CONTEXT, unsaid.context());
        return new Numbers(layers, hidden, ffn, shape, epsilon, context, keys.vocab(Decoder.EMBEDDINGS, unsaid.vocab()), tied(keys, unsaid.tied()));
    }

    /** With another epsilon, and another context. */
    public Numbers with(double epsilon, int positions) {
        return new Numbers(layers, hidden, ffn, shape, (float) epsilon, positions, vocab, tied);
    }

    /** The same with fewer layers. */
    public Numbers first(int fewer) {
        return new Numbers(fewer, hidden, ffn, shape, eps, context, vocab, tied);
    }

    /** What the files say of {@link Key#TIED}; empty if they cannot. */
    public static Optional<Boolean> tied(Keys keys, boolean unsaid) {
        return keys.knows(Key.TIED) ? Optional.of(keys.flag(Key.TIED).orElse(unsaid)) : Optional.empty();
    }

    /**
     * Whether the output matrix is the embedding table, as transformers 5 has it: what the configuration says, unless there are two matrices
     * and they differ. Where nothing can be said, whether there is one matrix.
     */
    public boolean isTied(WeightSource tensors) {
        var table = tensors.find(Decoder.EMBEDDINGS);
        var output = tensors.find(Decoder.OUTPUT);
        return tied.map(claim -> claim && (table.isEmpty() || output.isEmpty() || same(table.get(), output.get())))
                .orElse(output.isEmpty());
    }

    private static boolean same(Weights a, Weights b) {
        return a.format().equals(b.format())
                && a.slice(0, a.rows()).flatMap(x -> b.slice(0, b.rows()).map(y -> x.mismatch(y) == -1)).orElse(false);
    }

    /** Of a matrix that is both, some folders hold the output matrix and no embedding table: then it is the table here. */
    public WeightSource withTable(WeightSource checkpoint) {
        boolean outputOnly = checkpoint.find(Decoder.EMBEDDINGS).isEmpty() && checkpoint.find(Decoder.OUTPUT).isPresent();
        return tied.orElse(true) && outputOnly ? new RenamedWeights(checkpoint, Decoder.OUTPUT, Decoder.EMBEDDINGS) : checkpoint;
    }

    /** The view for people. */
    public ModelConfig config(String family, Rope rope, List<Integer> windows, boolean tiedEmbeddings, ModelConfig.Biases biases) {
        return new ModelConfig(family, layers, hidden, ffn, shape.heads(), shape.kvHeads(), shape.headDim(), vocab, context, eps, rope, windows,
                tiedEmbeddings, biases);
    }
}
