package io.jllm.model.arch;

import io.jllm.model.Architecture;
import io.jllm.model.ConfigDefaults;
import io.jllm.model.ModelConfig;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import java.util.OptionalInt;

/** Llama 1 to 3: pre-norm, grouped heads, gated SiLU. Source: Touvron et al., 2023. */
public final class Llama implements Architecture {
    @Override
    public String name() {
        return "llama";
    }

    @Override
    public Rope.Layout ggufRope() {
        return Rope.Layout.INTERLEAVED;
    }

    @Override
    public ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, mlp);
    }

    @Override
    public ConfigDefaults defaults() {
        return new ConfigDefaults(32_000, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048);
    }

    @Override
    public Program program(ModelConfig c) {
        return Decoder.llamaLike(c);
    }
}
