package io.jllm.model.decoder;

import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.RowOrder;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Says in what a family of equal layers differs from llama: nothing, at first. For use by one thread.
 */
public final class DenseBuilder {
    /** What the modules of layers are below in checkpoints. */
    private static final String LAYERS = "model.layers.*.";

    private final String family;
    private final Numbers n;
    private final Rope rope;
    private final List<HuggingFaceNames.Rule> names = new ArrayList<>();
    private final HeadOp.Kind norm;
    private DenseTraits.Places places = DenseTraits.Places.BEFORE;
    private boolean normsLessOne;
    private String ffnNorm = "ffn_norm";
    private List<Rope> ropes;
    private List<Integer> windows;
    private float scale;
    private float scoreCap;
    private Optional<DenseTraits.HeadNorms> headNorm = Optional.empty();
    private float clip;
    private Optional<DenseTraits.Temperature> temperature = Optional.empty();
    private ModelConfig.Biases biases = ModelConfig.Biases.NONE;
    private Op.Activation activation = Op.Activation.SILU;
    private float embeddingScale = 1;
    private float residualScale = 1;
    private float logitScale = 1;
    private float logitCap;
    private RowOrder order = RowOrder.KEPT;

    /**
     * Begins.
     *
     * @param norm what norms of layers are
     * @param rope the rotation of layers that see all positions
     */
    public DenseBuilder(String family, Numbers numbers, HeadOp.Kind norm, Rope rope) {
        this.family = family;
        this.norm = norm;
        this.rope = rope;
        n = numbers;
        ropes = Collections.nCopies(n.layers(), rope);
        windows = Collections.nCopies(n.layers(), 0);
        scale = (float) (1 / Math.sqrt(n.shape().headDim()));
    }

    /** For each layer, how many positions it sees; 0 for all. */
    public DenseBuilder windows(List<Integer> perLayer) {
        windows = perLayer;
        return this;
    }

    /** The windows of layers as they are by now. */
    public List<Integer> windows() {
        return windows;
    }

    /** The rotation of layers that have a window. */
    public DenseBuilder localRope(Rope local) {
        ropes = windows.stream().map(w -> w > 0 ? local : rope).toList();
        return this;
    }

    /** Which layers rotate queries and keys; the others know no positions. */
    public DenseBuilder rotated(List<Boolean> perLayer) {
        ropes = perLayer.stream().map(r -> r ? rope : Rope.none(n.shape().headDim())).toList();
        return this;
    }

    /** What the scores of attention are multiplied by, in place of 1 / sqrt(headDim). */
    public DenseBuilder scale(double factor) {
        scale = (float) factor;
        return this;
    }

    /** Soft caps of scores and of logits; 0 for none. */
    public DenseBuilder caps(double scores, double logits) {
        scoreCap = (float) scores;
        logitCap = (float) logits;
        return this;
    }

    /** Whether norms stand after attention and the feed-forward part ({@code post_attention_norm}, {@code post_ffw_norm}) and not before them. */
    public DenseBuilder normsAfter() {
        places = DenseTraits.Places.AFTER;
        return this;
    }

    /** Norms before and after attention and the feed-forward part. */
    public DenseBuilder normsAround() {
        places = DenseTraits.Places.AROUND;
        return this;
    }

    /** One norm before both parts, which are computed side by side. */
    public DenseBuilder parallel() {
        places = DenseTraits.Places.PARALLEL;
        return this;
    }

    /** Checkpoints hold the weights of all norms less one. */
    public DenseBuilder normsLessOne() {
        normsLessOne = true;
        return this;
    }

    /** GGUF's name of the norm before the feed-forward part. */
    public DenseBuilder ffnNorm(String name) {
        ffnNorm = name;
        return layerName("post_attention_layernorm", name);
    }

    /** Norms of heads of q and k, before rotation. */
    public DenseBuilder headNorms(HeadOp.Kind kind, HeadOp.Scope scope) {
        headNorm = Optional.of(new DenseTraits.HeadNorms(kind, scope, false, Optional.of(true)));
        return this;
    }

    /** The same if {@code said}, or, if that is empty, if the tensors are there. */
    public DenseBuilder headNorms(HeadOp.Kind kind, HeadOp.Scope scope, Optional<Boolean> said) {
        headNorm = Optional.of(new DenseTraits.HeadNorms(kind, scope, false, said));
        return this;
    }

    /** Root-mean-square norms of each head of q and k, after rotation. */
    public DenseBuilder headNormsAfterRotation() {
        headNorm = Optional.of(new DenseTraits.HeadNorms(HeadOp.Kind.RMS, HeadOp.Scope.ALIKE, true, Optional.of(true)));
        return this;
    }

    /** The limit of the numbers of q, k and v; 0 for none. */
    public DenseBuilder clip(double limit) {
        clip = (float) limit;
        return this;
    }

    /** Queries grow with the position, as {@link HeadOp.ScaleQueries} says; a scale of 0 for not at all. */
    public DenseBuilder temperature(double byScale, int every) {
        temperature = byScale == 0 ? Optional.empty() : Optional.of(new DenseTraits.Temperature((float) byScale, every));
        return this;
    }

    /** Which biases the files speak of. */
    public DenseBuilder biases(ModelConfig.Biases said) {
        biases = said;
        return this;
    }

    /** The activation of the feed-forward part. */
    public DenseBuilder activation(Op.Activation kind) {
        activation = kind;
        return this;
    }

    /** What embeddings, what each part adds, and logits are multiplied by. */
    public DenseBuilder scales(double embedding, double residual, double logit) {
        embeddingScale = (float) embedding;
        residualScale = (float) residual;
        logitScale = (float) logit;
        return this;
    }

    /** In which order GGUF files have the rows of q and k. */
    public DenseBuilder order(RowOrder rows) {
        order = rows;
        return this;
    }

    /** A module of a layer by the checkpoint's name and GGUF's, both without the layer. */
    public DenseBuilder layerName(String from, String to) {
        names.add(new HuggingFaceNames.Rename(LAYERS + from, "blk.*." + to));
        return this;
    }

    /** The model. */
    public Architecture.Model model() {
        var traits = new DenseTraits(norm, places, normsLessOne, ffnNorm, rope, List.copyOf(ropes), List.copyOf(windows), scale, scoreCap, headNorm,
                clip, temperature, biases, activation, embeddingScale, residualScale, logitScale, logitCap);
        return new DenseModel(family, n, traits, DenseModel.named(names), order);
    }
}
