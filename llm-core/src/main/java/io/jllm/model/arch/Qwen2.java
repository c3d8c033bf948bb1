package io.jllm.model.arch;

import io.jllm.model.Architecture;
import io.jllm.model.ConfigDefaults;
import io.jllm.model.ModelConfig;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import java.util.OptionalInt;

/** Qwen 2 and 2.5: q, k and v have biases, and some layers may have a window. Source: Yang et al., Qwen2 report, 2024. */
public final class Qwen2 implements Architecture {
    @Override
    public String name() {
        return "qwen2";
    }

    @Override
    public Rope.Layout ggufRope() {
        return Rope.Layout.NEOX;
    }

    @Override
    public ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(true, false, false);
    }

    @Override
    public WindowRule windowRule() {
        return WindowRule.CHOSEN;
    }

    @Override
    public ConfigDefaults defaults() {
        return new ConfigDefaults(151_936, 4096, 22_016, 32, 32, OptionalInt.of(32), OptionalInt.empty(), 32_768);
    }

    @Override
    public Program program(ModelConfig c) {
        return Decoder.llamaLike(c);
    }
}
