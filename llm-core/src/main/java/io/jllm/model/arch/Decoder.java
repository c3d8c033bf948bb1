package io.jllm.model.arch;

import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.util.List;
import java.util.Optional;

/** The parts that decoder-only transformers are put together from, with GGUF's names for their tensors. Layers may differ. */
final class Decoder {
    static final String EMBEDDINGS = "token_embd.weight";
    static final String OUTPUT = "output.weight";

    private final Program.Builder p = new Program.Builder();
    private final int hidden;
    private final float eps;
    private final ModelConfig.Biases biases;
    private final List<Layer> layers;
    private final String ffnNorm;

    /**
     * The numbers of a layer.
     *
     * @param shape heads of its attention
     * @param rope rotates its queries and keys
     * @param window how many positions its attention sees; 0 for all
     * @param ffn floats inside its feed-forward part
     */
    record Layer(Op.AttentionShape shape, Rope rope, int window, int ffn) {
    }

    /**
     * Begins.
     *
     * @param hidden floats a token between layers
     * @param eps added to the mean square in norms
     * @param biases which products have one
     * @param layers all of them
     * @param ffnNorm GGUF's name of the norm before the feed-forward part
     */
    Decoder(int hidden, float eps, ModelConfig.Biases biases, List<Layer> layers, String ffnNorm) {
        this.hidden = hidden;
        this.eps = eps;
        this.biases = biases;
        this.layers = layers;
        this.ffnNorm = ffnNorm;
    }

    Value embed(int vocab) {
        return p.embed(EMBEDDINGS, vocab, hidden);
    }

    /** x + attention(norm(x)), with a norm of each head of q and k if asked. */
    Value attention(Value x, int layer, boolean normed) {
        Layer l = layers.get(layer);
        int q = l.shape().qDim();
        int kv = l.shape().kvDim();
        boolean bias = biases.qkv();
        var h = p.rmsNorm(x, name(layer, "attn_norm"), eps);
        var qkv = p.linear(h, weight(layer, "attn_q", q, bias), weight(layer, "attn_k", kv, bias), weight(layer, "attn_v", kv, bias));
        var norm = normed ? Optional.of(new Op.QkNorm(name(layer, "attn_q_norm"), name(layer, "attn_k_norm"), eps)) : Optional.<Op.QkNorm>empty();
        var heads = p.attention(p.ropeStoreKv(qkv, layer, l.shape(), l.rope(), norm), layer, l.shape(), l.window());
        return p.linearAdd(x, heads, weight(layer, "attn_output", hidden, biases.attentionOutput()));
    }

    /**
     * x + down(act(gate) * up) of norm(x). The last layer's feed-forward part runs only for the rows whose logits are wanted:
     * no other row is read after its attention.
     */
    Value gatedMlp(Value in, int layer, Op.Activation kind) {
        int ffn = layers.get(layer).ffn();
        boolean bias = biases.mlp();
        var x = layer == layers.size() - 1 ? p.selectRows(in) : in;
        var h = p.rmsNorm(x, name(layer, ffnNorm), eps);
        var gateUp = p.linear(h, weight(layer, "ffn_gate", ffn, bias), weight(layer, "ffn_up", ffn, bias));
        return p.linearAdd(x, p.gated(gateUp, kind), weight(layer, "ffn_down", hidden, bias));
    }

    /** The last norm and the output matrix, which may be the embedding table. */
    Program logits(Value x, int vocab, boolean tied) {
        return p.build(p.linear(p.rmsNorm(x, "output_norm.weight", eps), new Weight(tied ? EMBEDDINGS : OUTPUT, vocab, Optional.empty())));
    }

    private static String name(int layer, String part) {
        return "blk." + layer + "." + part + ".weight";
    }

    private static Weight weight(int layer, String part, int rows, boolean bias) {
        return new Weight(name(layer, part), rows, bias ? Optional.of("blk." + layer + "." + part + ".bias") : Optional.empty());
    }
}
