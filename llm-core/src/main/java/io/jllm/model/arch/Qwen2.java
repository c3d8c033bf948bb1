package io.jllm.model.arch;

import io.jllm.model.Architecture;
import io.jllm.model.ModelConfig;
import io.jllm.model.Program;
import io.jllm.model.Rope;

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
    public Program program(ModelConfig c) {
        return Decoder.llamaLike(c);
    }
}
