package io.jllm.model.decoder;

import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.RowOrder;
import io.jllm.model.Scores;
import io.jllm.model.TransformedWeights;
import io.jllm.model.Value;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A decoder-only transformer of equal layers, each attention and a gated feed-forward part, as most families are. What they differ in is
 * said by {@link DenseBuilder}.
 */
final class DenseModel implements Architecture.Model {
    private final String family;
    private final Numbers n;
    private final DenseTraits t;
    private final HuggingFaceNames names;
    private final RowOrder order;

    DenseModel(String family, Numbers n, DenseTraits traits, HuggingFaceNames names, RowOrder order) {
        this.family = family;
        this.n = n;
        this.t = traits;
        this.names = names;
        this.order = order;
    }

    @Override
    public HuggingFaceNames names() {
        return names;
    }

    @Override
    public WeightSource adapt(WeightSource checkpoint) {
        var whole = n.withTable(checkpoint);
        return t.normsLessOne() ? new TransformedWeights(whole, name -> name.endsWith("_norm.weight"), w -> 1 + w) : whole;
    }

    @Override
    public RowOrder ggufOrder(String tensor) {
        return Decoder.headOrder(tensor, order);
    }

    /** The tensors decide what a configuration leaves open: biases, and in a GGUF file an output matrix of its own. */
    @Override
    public Architecture.Built build(WeightSource tensors) {
        var found = new ModelConfig.Biases(hasBias(tensors, "attn_q", "attn_k", "attn_v", "attn_qkv"), hasBias(tensors, "attn_output"),
                hasBias(tensors, "ffn_gate", "ffn_up", "ffn_down"));
        var biases = t.biases().or(found);
        boolean tied = n.isTied(tensors);
        return new Architecture.Built(n.config(family, t.rope(), t.windows(), tied, biases), new Pass(tensors, biases).program(tied));
    }

    private static boolean hasBias(WeightSource tensors, String... parts) {
        return Stream.of(parts).anyMatch(part -> tensors.find("blk.0." + part + ".bias").isPresent());
    }

    /** The forward pass. */
    private final class Pass {
        private final Decoder d;
        private final Program.Builder p;
        private final boolean normsHeads;

        Pass(WeightSource tensors, ModelConfig.Biases biases) {
            d = new Decoder(tensors, n.hidden(), n.layers(), t.norm(), n.eps(), module -> switch (module.substring(module.lastIndexOf('.') + 1)) {
                case "attn_q", "attn_k", "attn_v", "attn_qkv" -> biases.qkv();
                case "attn_output" -> biases.attentionOutput();
                case "ffn_gate", "ffn_up", "ffn_down" -> biases.mlp();
                default -> tensors.find(module + ".bias").isPresent();
            });
            p = d.ops();
            normsHeads = t.headNorm().filter(h -> h.said().orElseGet(() -> tensors.find(Decoder.name(0, "attn_q_norm")).isPresent())).isPresent();
        }

        Program program(boolean tied) {
            Value x = scaled(d.embed(n.vocab()), t.embeddingScale());
            for (int l = 0; l < n.layers(); l++) {
                x = t.places() == DenseTraits.Places.PARALLEL ? parallel(x, l) : serial(x, l);
            }
            Value logits = d.output(x, n.vocab(), tied);
            boolean plain = t.logitScale() == 1 && t.logitCap() == 0;
            return p.build(plain ? logits : p.scale(logits, t.logitScale(), t.logitCap()));
        }

        private Value scaled(Value x, float factor) {
            return factor == 1 ? x : p.scale(x, factor, 0);
        }

        /** Attention and the feed-forward part of the same norm. */
        private Value parallel(Value x, int l) {
            Value h = d.norm(x, l, "attn_norm");
            Value both = d.wanted(d.linearAdd(x, heads(h, l), l, "attn_output"), l);
            return d.linearAdd(both, d.gated(d.wanted(h, l), l, n.ffn(), t.activation()), l, "ffn_down");
        }

        private Value serial(Value x, int l) {
            boolean before = t.places() != DenseTraits.Places.AFTER;
            Value a = d.wanted(plus(x, heads(before ? d.norm(x, l, "attn_norm") : x, l), l, "attn_output", "post_attention_norm"), l);
            Value h = before ? d.norm(a, l, t.ffnNorm()) : a;
            return plus(a, d.gated(h, l, n.ffn(), t.activation()), l, "ffn_down", "post_ffw_norm");
        }

        /** residual + scale * norm(W x), with a norm if there is one after products. */
        private Value plus(Value residual, Value x, int l, String product, String norm) {
            boolean normed = t.places() != DenseTraits.Places.BEFORE;
            if (!normed && t.residualScale() == 1) {
                return d.linearAdd(residual, x, l, product);
            }
            Value y = d.linear(x, l, product, n.hidden());
            return p.add(residual, normed ? d.norm(y, l, norm) : y, t.residualScale());
        }

        private Value heads(Value h, int l) {
            Value qkv = d.qkv(h, l, n.shape());
            Rope rope = t.ropes().get(l);
            boolean alike = normsHeads && t.headNorm().get().isAlike() && t.clip() == 0;
            if (normsHeads && t.headNorm().get().rotatedFirst()) {
                qkv = normed(p.rotate(qkv, n.shape(), rope), l);
                rope = Rope.none(n.shape().headDim());
            } else if (normsHeads && !alike || t.clip() > 0) {
                qkv = normed(qkv, l);
            }
            var norm = alike && !t.headNorm().get().rotatedFirst()
                    ? Optional.of(new Op.QkNorm(Decoder.name(l, "attn_q_norm"), Decoder.name(l, "attn_k_norm"), n.eps()))
                    : Optional.<Op.QkNorm>empty();
            Value q = p.ropeStoreKv(qkv, l, n.shape(), rope, norm);
            Value tempered = t.temperature().map(m -> p.scaleQueries(q, m.scale(), m.every(), 0)).orElse(q);
            return p.attention(tempered, l, n.shape(), Scores.scaled(t.scale()).window(t.windows().get(l)).softCap(t.scoreCap()));
        }

        private Value normed(Value qkv, int l) {
            return p.normHeads(qkv, n.shape(), norm(l, "attn_q_norm"), norm(l, "attn_k_norm"), t.clip());
        }

        private Optional<HeadOp.HeadNorm> norm(int l, String part) {
            return t.headNorm().filter(_ -> normsHeads).map(h -> new HeadOp.HeadNorm(h.kind(), h.scope(), Optional.of(Decoder.name(l, part)),
                    Optional.empty(), n.eps()));
        }
    }

    static HuggingFaceNames named(List<HuggingFaceNames.Rule> rules) {
        return HuggingFaceNames.LLAMA.with(rules.toArray(HuggingFaceNames.Rule[]::new));
    }
}
