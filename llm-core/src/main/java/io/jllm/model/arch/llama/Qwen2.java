package io.jllm.model.arch.llama;

import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.LlamaLike;
import java.util.OptionalInt;

/** Qwen 2 and 2.5: q, k and v have biases, and some layers may have a window. Source: Yang et al., Qwen2 report, 2024. */
public final class Qwen2 extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(151_936, 4096, 22_016, 32, 32, OptionalInt.of(32), OptionalInt.empty(), 32_768);

    /** The family. */
    public Qwen2() {
        super("qwen2", "qwen2", Rope.Layout.NEOX, UNSAID);
    }

    @Override
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(true, false, false);
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.CHOSEN;
    }
}
