package io.jllm.model.arch.llama;

import io.jllm.model.HeadOp;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.OptionalInt;

/** Qwen 3, dense: each head of q and k is normed before it is rotated. Source: Yang et al., Qwen3 report, 2025. */
public final class Qwen3 extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(151_936, 4096, 22_016, 32, 32, OptionalInt.of(32), OptionalInt.of(128), 32_768);

    /** The family. */
    public Qwen3() {
        super("qwen3", "qwen3", Rope.Layout.NEOX, UNSAID);
    }

    @Override
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, false);
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.CHOSEN;
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        model.headNorms(HeadOp.Kind.RMS, HeadOp.Scope.ALIKE);
    }
}
