package io.jllm.model.arch.experts;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.RowOrder;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Decoder;
import io.jllm.model.decoder.Experts;
import io.jllm.model.decoder.Numbers;
import io.jllm.model.decoder.SparseModel;
import java.util.List;
import java.util.OptionalInt;

/**
 * Mixtral: llama with experts, whose weights are normalised. Its GGUF files say {@code llama}, and how many experts there are: that family hands
 * them over. Source: Jiang et al., Mixtral of Experts, 2024.
 */
public final class Mixtral implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(32_000, 4096, 14_336, 32, 32, OptionalInt.of(8), OptionalInt.empty(), 131_072,
            1_000_000, 1e-5, false, false);

    @Override
    public String name() {
        return "mixtral";
    }

    @Override
    public String ggufName() {
        return "llama";
    }

    @Override
    public Model read(Keys keys) {
        return read(keys, UNSAID.ropeBase());
    }

    /**
     * Reads a model.
     *
     * @param ropeBase the base of the rotary frequencies where nothing is said
     */
    public static Model read(Keys keys, double ropeBase) {
        keys.activation(Op.Activation.SILU);
        var n = Numbers.read(keys, UNSAID, Key.RMS_EPS);
        int count = Experts.count(keys, 8);
        var experts = new Experts(count, Experts.used(keys, count, 2), n.ffn(), true);
        int shared = keys.optionalInteger(Experts.SHARED_FFN).orElse(0);
        if (shared > 0) {
            throw new ModelLoadException(keys.name(Experts.SHARED_FFN) + " is " + shared + "; this family supports no shared expert");
        }
        var windows = keys.windows(n.layers(), WindowRule.all(0));
        int headDim = n.shape().headDim();
        var rope = keys.rope(Rotary.of(headDim, n.context()).base(Key.ROPE_BASE, ropeBase).layouts(Rope.Layout.NEOX, Rope.Layout.INTERLEAVED));
        return new MixtralModel(n, experts, rope, windows);
    }

    private static final class MixtralModel extends SparseModel {
        MixtralModel(Numbers n, Experts experts, Rope rope, List<Integer> windows) {
            super("mixtral", n, experts, rope, windows);
        }

        @Override
        public RowOrder ggufOrder(String tensor) {
            return Decoder.headOrder(tensor, new RowOrder(numbers().shape().headDim()));
        }
    }
}
