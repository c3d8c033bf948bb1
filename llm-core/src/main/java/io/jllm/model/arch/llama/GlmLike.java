package io.jllm.model.arch.llama;

import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.OptionalInt;

/** What the GLMs have in common: half of each head is rotated, neighbouring dimensions together in all files; gate and up are one matrix. */
abstract class GlmLike extends LlamaLike {
    static final double EPS = 1.5625e-7;
    static final int CONTEXT = 131_072;
    private static final ConfigDefaults UNSAID = new ConfigDefaults(151_552, 4096, 13_696, 40, 32, OptionalInt.of(2), OptionalInt.of(128), CONTEXT,
            10_000, EPS, false, true);

    GlmLike(String name, String ggufName) {
        super(name, ggufName, Rope.Layout.INTERLEAVED, UNSAID);
    }

    @Override
    protected final Rope.Layout folderRope() {
        return Rope.Layout.INTERLEAVED;
    }

    @Override
    protected final ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, false, false);
    }

    @Override
    protected final Rotary rotary(Rotary usual, Keys keys) {
        return usual.mayBePartial(0.5);
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        model.layerName("mlp.gate_up_proj", "ffn_up");
    }
}
