package io.jllm.model.arch.gpt;

import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Numbers;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Rename;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** What the families of this package have in common: layer norms with weight and bias, a feed-forward part without a gate. */
final class Gpt {
    private static final List<Op.Activation> ACTIVATIONS = List.of(Op.Activation.GELU, Op.Activation.GELU_TANH, Op.Activation.RELU,
            Op.Activation.RELU_SQUARED, Op.Activation.SILU);

    private Gpt() {
    }

    /** The activation; {@code unsaid} where nothing is said. */
    static Op.Activation activation(Keys keys, Op.Activation unsaid) {
        return keys.activation(Stream.concat(Stream.of(unsaid), ACTIVATIONS.stream()).distinct().toArray(Op.Activation[]::new));
    }

    /**
     * A decoder whose norms have biases, and whose products have those that are there.
     *
     * @param said which products must have one, too: of a module without its layer, as {@code attn_qkv}
     */
    static Decoder decoder(WeightSource tensors, Numbers n, Predicate<String> said) {
        return new Decoder(tensors, n.hidden(), n.layers(), HeadOp.Kind.LAYER, n.eps(), module -> {
            var part = module.substring(module.lastIndexOf('.') + 1);
            return isNorm(part) || said.test(part) || tensors.find(module + ".bias").isPresent();
        });
    }

    /** How GPT-2's checkpoints name tensors, and those that follow it. */
    static HuggingFaceNames names() {
        return HuggingFaceNames.below("transformer.", new Rename("wte", "token_embd"), new Rename("wpe", "position_embd"),
                new Rename("ln_f", "output_norm"), new Rename("h.*.ln_1", "blk.*.attn_norm"), new Rename("h.*.ln_2", "blk.*.ffn_norm"),
                new Rename("h.*.attn.c_attn", "blk.*.attn_qkv"), new Rename("h.*.attn.c_proj", "blk.*.attn_output"),
                new Rename("h.*.mlp.c_fc", "blk.*.ffn_up"), new Rename("h.*.mlp.c_proj", "blk.*.ffn_down"), new Rename("lm_head", "output"));
    }

    static boolean isNorm(String part) {
        return part.endsWith("_norm") || part.endsWith("_norm_2");
    }

    /** The weight or the bias of a product for q, k and v at once. */
    static boolean isFused(String tensor) {
        return tensor.contains(".attn_qkv.");
    }

    /** A product of attention, as opposed to the feed-forward part. */
    static boolean isAttention(String part) {
        return part.startsWith("attn_") && !isNorm(part);
    }

    /** A product of the feed-forward part. */
    static boolean isFfn(String part) {
        return part.startsWith("ffn_") && !isNorm(part);
    }

    /** Attention and what is computed from its result, of a norm of its own. */
    static Value sequential(Decoder d, Value x, int layer, UnaryOperator<Value> attention, UnaryOperator<Value> ffn) {
        Value attended = d.wanted(d.linearAdd(x, attention.apply(d.norm(x, layer, "attn_norm")), layer, "attn_output"), layer);
        return d.linearAdd(attended, ffn.apply(d.norm(attended, layer, "ffn_norm")), layer, "ffn_down");
    }

    /**
     * Attention and the feed-forward part of the same values, both added to them.
     *
     * @param attended the heads' results
     * @param normed what the feed-forward part is computed from
     */
    static Value parallel(Decoder d, Value x, int layer, Value attended, Value normed, UnaryOperator<Value> ffn) {
        Value sum = d.wanted(d.linearAdd(x, attended, layer, "attn_output"), layer);
        return d.linearAdd(sum, ffn.apply(d.wanted(normed, layer)), layer, "ffn_down");
    }

    /** The model that ends in x, the last layer's result, all of whose layers see all positions. */
    static Architecture.Built built(Decoder d, Value x, String family, Numbers n, Rope rope, WeightSource tensors) {
        return built(d, x, family, n, rope, Collections.nCopies(n.layers(), 0), tensors);
    }

    /** With windows. */
    static Architecture.Built built(Decoder d, Value x, String family, Numbers n, Rope rope, List<Integer> windows, WeightSource tensors) {
        boolean tied = n.isTied(tensors);
        return n.built(d.logits(x, n.vocab(), tied), family, rope, windows, tied, tensors);
    }
}
