package io.jllm.model.decoder;

import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A model with mixtures of experts: pre-norm, attention as llama has it, and in each layer experts or a gated feed-forward part. A family's
 * model says in what it differs.
 */
public abstract class SparseModel implements Architecture.Model {
    private final String family;
    private final Numbers n;
    private final Experts experts;
    private final Rope rope;
    private final List<Integer> windows;

    /**
     * A model.
     *
     * @param family its name, for people
     * @param windows for each layer, how many positions attention sees; 0 for all
     */
    protected SparseModel(String family, Numbers n, Experts experts, Rope rope, List<Integer> windows) {
        this.family = family;
        this.n = n;
        this.experts = experts;
        this.rope = rope;
        this.windows = windows;
    }

    /** Its numbers. */
    protected final Numbers numbers() {
        return n;
    }

    /** Its experts. */
    protected final Experts experts() {
        return experts;
    }

    /** How it rotates queries and keys. */
    protected final Rope rope() {
        return rope;
    }

    /** What its norms are. */
    protected HeadOp.Kind norm() {
        return HeadOp.Kind.RMS;
    }

    /** GGUF's name of the norm before the feed-forward part. */
    protected String ffnNorm() {
        return "ffn_norm";
    }

    /** Whether a product has a bias, whatever tensors there are; those that are there count too. */
    protected boolean biased(String part) {
        return false;
    }

    /** Whether a layer has experts. */
    protected boolean isSparse(int layer) {
        return true;
    }

    /** What attention is like in a layer. */
    protected Decoder.Attention attention(int layer) {
        return new Decoder.Attention(n.shape(), rope, Scores.of(n.shape().headDim()).window(windows.get(layer)));
    }

    /** Norms of heads of q and k with the tensors that GGUF has for them. */
    protected final Optional<Op.QkNorm> headNorms(int layer) {
        return Optional.of(new Op.QkNorm(Decoder.name(layer, "attn_q_norm"), Decoder.name(layer, "attn_k_norm"), n.eps()));
    }

    /** Whether a part is a product of attention: those of which {@code attention_bias} speaks. */
    protected static boolean isAttention(String part) {
        return part.startsWith("attn_") && !part.endsWith("_norm");
    }

    /** Rows of the embedding table. */
    protected Value embedded(Decoder d) {
        return d.embed(n.vocab());
    }

    /** x + attention of h. */
    protected Value attended(Decoder d, Value x, Value h, int layer) {
        return d.linearAdd(x, d.attention(h, layer, attention(layer)), layer, "attn_output");
    }

    /** x + the experts of h. */
    protected Value mixed(Decoder d, Value x, Value h, int layer) {
        return experts.mixed(d, h, layer, Optional.of(x), n.hidden());
    }

    /** What becomes of the product by the output matrix. */
    protected Value logits(Decoder d, Value output) {
        return output;
    }

    @Override
    public HuggingFaceNames names() {
        return Experts.NAMES.with(new HuggingFaceNames.Rename("model.layers.*.post_attention_layernorm", "blk.*." + ffnNorm()));
    }

    @Override
    public WeightSource adapt(WeightSource checkpoint) {
        return ExpertWeights.stacked(n.withTable(checkpoint), experts.count());
    }

    @Override
    public WeightSource adaptFile(WeightSource file) {
        return ExpertWeights.stacked(file, experts.count());
    }

    @Override
    public final Architecture.Built build(WeightSource tensors) {
        boolean tied = n.isTied(tensors);
        var d = new Decoder(tensors, n.hidden(), n.layers(), norm(), n.eps(), module -> biased(part(module))
                || tensors.find(module + ".bias").isPresent());
        Value x = embedded(d);
        for (int l = 0; l < n.layers(); l++) {
            x = d.wanted(attended(d, x, d.norm(x, l, "attn_norm"), l), l);
            Value h = d.norm(x, l, ffnNorm());
            x = isSparse(l) ? mixed(d, x, h, l) : d.linearAdd(x, d.gated(h, l, n.ffn(), Op.Activation.SILU), l, "ffn_down");
        }
        var biases = new ModelConfig.Biases(hasBias(tensors, "attn_q", "attn_k", "attn_v", "attn_qkv"), hasBias(tensors, "attn_output"),
                hasBias(tensors, "ffn_gate", "ffn_up", "ffn_down", "ffn_gate_exps", "ffn_down_exps"));
        return new Architecture.Built(n.config(family, rope, windows, tied, biases), d.ops().build(logits(d, d.output(x, n.vocab(), tied))));
    }

    private static String part(String module) {
        return module.substring(module.lastIndexOf('.') + 1);
    }

    private boolean hasBias(WeightSource tensors, String... parts) {
        return Stream.of(parts).anyMatch(part -> biased(part) || tensors.find("blk.0." + part + ".bias").isPresent());
    }
}
