package io.jllm.model.arch.llama;

import io.jllm.model.Architecture;
import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.RowOrder;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.MadeWeights;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.Rows;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import io.jllm.quant.safetensors.HuggingFaceNames.Part;
import io.jllm.quant.safetensors.HuggingFaceNames.Split;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Baichuan 1 and 2: as llama, with q, k and v in one product; the model of 13B parameters has linear biases of attention and no rotation. The output
 * matrix of Baichuan 2 counts with rows of length 1. No key says either: the former are the models of 40 layers, as in llama.cpp, and those
 * whose folder gives no {@code max_position_embeddings}; the latter those of 125,696 tokens, and those with {@code z_loss_weight}.
 * Source: Yang et al., Baichuan 2, 2023.
 */
public final class Baichuan implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(64_000, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 4096,
            10_000, 1e-6, false, false);
    private static final Key POSITIONS = Key.whole("", 1, Limits.CONTEXT, "max_position_embeddings");
    private static final Key LENGTH = Key.whole("", 1, Limits.CONTEXT, "model_max_length");
    private static final Key SECOND = Key.notNegative("", "z_loss_weight");
    private static final int LAYERS_OF_13B = 40;
    private static final int VOCAB_OF_SECOND = 125_696;
    private static final double MAX_ALIBI = 8;

    /** The family. */
    public Baichuan() {
    }

    @Override
    public String name() {
        return "baichuan";
    }

    @Override
    public Model read(Keys keys) {
        var activation = keys.activation(Op.Activation.SILU);
        var n = Numbers.read(keys, UNSAID, Key.RMS_EPS, (_, heads) -> keys.derivedInteger(Key.KV_HEADS, () -> heads, heads));
        int headDim = n.shape().headDim();
        double size = n.layers() == LAYERS_OF_13B ? MAX_ALIBI : 0;
        double alibi = keys.derivedReal(Key.MAX_ALIBI, () -> keys.has(LENGTH) && !keys.has(POSITIONS) ? MAX_ALIBI : size, size);
        var rope = keys.rope(Rotary.of(headDim, n.context()).layouts(Rope.Layout.NEOX, Rope.Layout.INTERLEAVED));
        var scores = Scores.of(headDim);
        var attention = alibi > 0 ? new Decoder.Attention(n.shape(), Rope.none(headDim), scores.alibi(Scores.Alibi.of(n.shape().heads(), alibi)))
                : new Decoder.Attention(n.shape(), rope, scores);
        return new BaichuanModel(n, attention, n.vocab() == VOCAB_OF_SECOND || keys.has(SECOND), activation);
    }

    /**
     * A model.
     *
     * @param second whether a checkpoint's output matrix is to be taken with rows of length 1; GGUF files are as they count
     */
    private record BaichuanModel(Numbers n, Decoder.Attention attention, boolean second, Op.Activation activation) implements Model {
        @Override
        public HuggingFaceNames names() {
            return HuggingFaceNames.LLAMA.with(new Split("model.layers.*.self_attn.W_pack", List.of(new Part("blk.*.attn_q", n.hidden()),
                    new Part("blk.*.attn_k", n.hidden()), new Part("blk.*.attn_v", n.hidden()))));
        }

        @Override
        public WeightSource adapt(WeightSource checkpoint) {
            return second ? new MadeWeights(checkpoint, (all, name) -> name.equals(Decoder.OUTPUT)
                    ? all.find(name).map(Rows::normalised) : Optional.empty()) : n.withTable(checkpoint);
        }

        @Override
        public RowOrder ggufOrder(String tensor) {
            return Decoder.headOrder(tensor, new RowOrder(n.shape().headDim()));
        }

        @Override
        public Built build(WeightSource tensors) {
            var d = new Decoder(tensors, n.hidden(), n.layers(), HeadOp.Kind.RMS, n.eps());
            Value x = d.embed(n.vocab());
            for (int l = 0; l < n.layers(); l++) {
                x = d.gatedLayer(x, l, attention, n.ffn(), activation);
            }
            boolean tied = n.isTied(tensors);
            return n.built(d.logits(x, n.vocab(), tied), "baichuan", attention.rope(), Collections.nCopies(n.layers(), 0), tied, tensors);
        }
    }
}
