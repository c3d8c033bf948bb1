package io.jllm.model.decoder;

import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.RowOrder;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.WeightSource;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The parts that decoder-only transformers are put together from, with GGUF's names for their tensors. A family calls them in its order,
 * with numbers that may differ from layer to layer, and adds ops of its own by {@link #ops}. Names of parts are without {@code blk.N.} and
 * without {@code .weight}.
 */
public final class Decoder {
    public static final String EMBEDDINGS = "token_embd.weight";
    public static final String OUTPUT = "output.weight";

    private final Program.Builder p = new Program.Builder();
    private final int hidden;
    private final int layers;
    private final HeadOp.Kind norm;
    private final float eps;
    private final WeightSource tensors;
    private final Predicate<String> biased;
    /** Whether norms have weights. */
    private final boolean affine;

    /**
     * An attention.
     *
     * @param shape its heads
     * @param rope rotates queries and keys; {@link Rope#none} for none
     * @param scores how it weighs positions
     * @param norm norms of each head of q and k before that
     */
    public record Attention(Op.AttentionShape shape, Rope rope, Scores scores, Optional<Op.QkNorm> norm) {
        /** Without norms. */
        public Attention(Op.AttentionShape shape, Rope rope, Scores scores) {
            this(shape, rope, scores, Optional.empty());
        }

        /** With norms. */
        public Attention normed(Optional<Op.QkNorm> norms) {
            return new Attention(shape, rope, scores, norms);
        }
    }

    /**
     * Begins.
     *
     * @param tensors of the model: products have the biases that are there
     * @param hidden floats a token between layers
     * @param layers how many there are
     * @param norm what its norms are
     * @param eps added to the mean square or the variance in norms
     */
    public Decoder(WeightSource tensors, int hidden, int layers, HeadOp.Kind norm, float eps) {
        this(tensors, hidden, layers, norm, eps, module -> tensors.find(module + ".bias").isPresent());
    }

    /**
     * Begins, where not the tensors alone say what has a bias.
     *
     * @param biased of a module, as {@code blk.0.attn_q}
     */
    public Decoder(WeightSource tensors, int hidden, int layers, HeadOp.Kind norm, float eps, Predicate<String> biased) {
        this.hidden = hidden;
        this.layers = layers;
        this.norm = norm;
        this.eps = eps;
        this.tensors = tensors;
        this.biased = biased;
        affine = present("output_norm") || present("blk.0.attn_norm");
    }

    /** What it is put together with. */
    public Program.Builder ops() {
        return p;
    }

    /** The name of a tensor of a layer. */
    public static String name(int layer, String part) {
        return "blk." + layer + "." + part + ".weight";
    }

    /** In which order a GGUF file has the rows of a tensor where only q and k have an order of their own. */
    public static RowOrder headOrder(String tensor, RowOrder order) {
        return tensor.contains(".attn_q.") || tensor.contains(".attn_k.") ? order : RowOrder.KEPT;
    }

    /** A matrix of a layer, with the bias that it has. */
    public Weight weight(int layer, String part, int rows) {
        return weight("blk." + layer + "." + part, rows);
    }

    /** A matrix by its module's name, with the bias that it has. */
    public Weight weight(String module, int rows) {
        return new Weight(module + ".weight", rows, bias(module));
    }

    private boolean present(String module) {
        return has(module + ".weight");
    }

    /** Whether the model has a tensor, by its whole name. */
    public boolean has(String tensor) {
        return tensors.find(tensor).isPresent();
    }

    private Optional<String> bias(String module) {
        return biased.test(module) ? Optional.of(module + ".bias") : Optional.empty();
    }

    /** Rows of the embedding table. */
    public Value embed(int vocab) {
        return p.embed(EMBEDDINGS, vocab, hidden);
    }

    /** A norm of a layer. */
    public Value norm(Value x, int layer, String part) {
        return norm(x, "blk." + layer + "." + part);
    }

    /** A norm by its module's name: a layer norm has the bias that is there, and a weight if layer norms of the model have any. */
    public Value norm(Value x, String module) {
        return switch (norm) {
            case RMS -> p.rmsNorm(x, module + ".weight", eps);
            case LAYER -> p.layerNorm(x, affine ? Optional.of(module + ".weight") : Optional.empty(), bias(module), eps);
        };
    }

    /** A product by one matrix. */
    public Value linear(Value x, int layer, String part, int rows) {
        return p.linear(x, weight(layer, part, rows));
    }

    /** residual + a product by one matrix. */
    public Value linearAdd(Value residual, Value x, int layer, String part) {
        return p.linearAdd(residual, x, weight(layer, part, hidden));
    }

    /** q, k and v: of the fused matrix {@code attn_qkv} where there is one, or else of three. */
    public Value qkv(Value h, int layer, Op.AttentionShape shape) {
        if (present("blk." + layer + ".attn_qkv")) {
            return linear(h, layer, "attn_qkv", shape.qkvDim());
        }
        return p.linear(h, weight(layer, "attn_q", shape.qDim()), weight(layer, "attn_k", shape.kvDim()), weight(layer, "attn_v", shape.kvDim()));
    }

    /** The heads of attention, of their q, k and v. */
    public Value heads(Value qkv, int layer, Attention a) {
        return p.attention(p.ropeStoreKv(qkv, layer, a.shape(), a.rope(), a.norm()), layer, a.shape(), a.scores());
    }

    /** The heads of attention, of what they are computed from; the product {@code attn_output} is not in it. */
    public Value attention(Value h, int layer, Attention a) {
        return heads(qkv(h, layer, a.shape()), layer, a);
    }

    /** act(gate) * up, of {@code ffn_gate} and {@code ffn_up}, or of {@code ffn_up} alone where that has both. */
    public Value gated(Value h, int layer, int ffn, Op.Activation kind) {
        boolean fused = !present("blk." + layer + ".ffn_gate")
                && tensors.find(name(layer, "ffn_up")).filter(up -> up.rows() == 2L * ffn).isPresent();
        return p.gated(fused ? linear(h, layer, "ffn_up", 2 * ffn)
                : p.linear(h, weight(layer, "ffn_gate", ffn), weight(layer, "ffn_up", ffn)), kind);
    }

    /** A layer of llama: attention, then a gated feed-forward part, each of a norm of its own and added to what the norm is of. */
    public Value gatedLayer(Value x, int layer, Attention a, int ffn, Op.Activation kind) {
        Value attended = wanted(linearAdd(x, attention(norm(x, layer, "attn_norm"), layer, a), layer, "attn_output"), layer);
        return linearAdd(attended, gated(norm(attended, layer, "ffn_norm"), layer, ffn, kind), layer, "ffn_down");
    }

    /** act(up). */
    public Value plain(Value h, int layer, int ffn, Op.Activation kind) {
        return p.act(linear(h, layer, "ffn_up", ffn), kind);
    }

    /**
     * In the last layer, the rows whose logits are wanted; in others all. For what stands behind the last attention: no other row is read
     * after it.
     */
    public Value wanted(Value x, int layer) {
        return layer == layers - 1 ? p.selectRows(x) : x;
    }

    /** The last norm and the output matrix, which may be the embedding table. */
    public Program logits(Value x, int vocab, boolean tied) {
        return p.build(output(x, vocab, tied));
    }

    /** The logits, of which something may still be made. */
    public Value output(Value x, int vocab, boolean tied) {
        Value last = norm(x, "output_norm");
        return p.linear(last, tied ? new Weight(EMBEDDINGS, vocab, bias("output")) : weight("output", vocab));
    }
}
