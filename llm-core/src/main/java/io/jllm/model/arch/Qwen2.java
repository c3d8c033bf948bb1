package io.jllm.model.arch;

import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import java.util.OptionalInt;

/** Qwen 2 and 2.5: q, k and v have biases, and some layers may have a window. Source: Yang et al., Qwen2 report, 2024. */
public final class Qwen2 extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(151_936, 4096, 22_016, 32, 32, OptionalInt.of(32), OptionalInt.empty(), 32_768);

    /** The family. */
    public Qwen2() {
        super("qwen2", "qwen2", Rope.Layout.NEOX, UNSAID);
    }

    @Override
    ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(true, false, false);
    }

    @Override
    WindowRule windowRule() {
        return WindowRule.CHOSEN;
    }
}
