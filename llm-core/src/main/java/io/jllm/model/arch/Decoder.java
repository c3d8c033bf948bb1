package io.jllm.model.arch;

import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.util.Optional;

/** The parts that decoder-only transformers are put together from, with GGUF's names for their tensors. */
final class Decoder {
    private final ModelConfig c;
    private final Program.Builder p;

    Decoder(ModelConfig config) {
        c = config;
        p = new Program.Builder();
    }

    /** The forward pass that llama made common: attention and gated SiLU in turn. */
    static Program llamaLike(ModelConfig c) {
        var d = new Decoder(c);
        var x = d.embed();
        for (int l = 0; l < c.layers(); l++) {
            x = d.gatedMlp(d.attention(x, l), l, Op.Activation.SILU);
        }
        return d.logits(x);
    }

    Value embed() {
        return p.embed("token_embd.weight", c.vocab(), c.hidden());
    }

    /** x + attention(norm(x)), q and k not normed. */
    Value attention(Value x, int layer) {
        return attention(x, layer, Optional.empty());
    }

    /** x + attention(norm(x)), with a norm of each head of q and k. */
    Value normedAttention(Value x, int layer) {
        return attention(x, layer, Optional.of(new Op.QkNorm(name(layer, "attn_q_norm"), name(layer, "attn_k_norm"), c.normEps())));
    }

    private Value attention(Value x, int layer, Optional<Op.QkNorm> norm) {
        int q = c.shape().qDim();
        int kv = c.shape().kvDim();
        boolean bias = c.biases().qkv();
        var h = p.rmsNorm(x, name(layer, "attn_norm"), c.normEps());
        var qkv = p.linear(h, weight(layer, "attn_q", q, bias), weight(layer, "attn_k", kv, bias), weight(layer, "attn_v", kv, bias));
        var heads = p.attention(p.ropeStoreKv(qkv, layer, c.shape(), c.rope(), norm), layer, c.shape(), c.windows().get(layer));
        return p.linearAdd(x, heads, weight(layer, "attn_output", c.hidden(), c.biases().attentionOutput()));
    }

    /**
     * x + down(act(gate) * up) of norm(x). The last layer's feed-forward part runs only for the rows whose logits are wanted:
     * no other row is read after its attention.
     */
    Value gatedMlp(Value in, int layer, Op.Activation kind) {
        boolean bias = c.biases().mlp();
        var x = layer == c.layers() - 1 ? p.selectRows(in) : in;
        var h = p.rmsNorm(x, name(layer, "ffn_norm"), c.normEps());
        var gateUp = p.linear(h, weight(layer, "ffn_gate", c.ffn(), bias), weight(layer, "ffn_up", c.ffn(), bias));
        return p.linearAdd(x, p.gated(gateUp, kind), weight(layer, "ffn_down", c.hidden(), bias));
    }

    /** The last norm and the output matrix. */
    Program logits(Value x) {
        var table = c.tiedEmbeddings() ? "token_embd.weight" : "output.weight";
        return p.build(p.linear(p.rmsNorm(x, "output_norm.weight", c.normEps()), new Weight(table, c.vocab(), Optional.empty())));
    }

    private static String name(int layer, String part) {
        return "blk." + layer + "." + part + ".weight";
    }

    private static Weight weight(int layer, String part, int rows, boolean bias) {
        return new Weight(name(layer, part), rows, bias ? Optional.of("blk." + layer + "." + part + ".bias") : Optional.empty());
    }
}
