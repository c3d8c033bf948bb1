package io.jllm.model.arch;

import io.jllm.model.Architecture;
import io.jllm.model.ConfigDefaults;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import java.util.OptionalInt;

/** Qwen 3, dense: each head of q and k is normed before it is rotated. Source: Yang et al., Qwen3 report, 2025. */
public final class Qwen3 implements Architecture {
    @Override
    public String name() {
        return "qwen3";
    }

    @Override
    public Rope.Layout ggufRope() {
        return Rope.Layout.NEOX;
    }

    @Override
    public ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, false);
    }

    @Override
    public WindowRule windowRule() {
        return WindowRule.CHOSEN;
    }

    @Override
    public ConfigDefaults defaults() {
        return new ConfigDefaults(151_936, 4096, 22_016, 32, 32, OptionalInt.of(32), OptionalInt.of(128), 32_768);
    }

    @Override
    public Program program(ModelConfig c) {
        var d = new Decoder(c);
        var x = d.embed();
        for (int l = 0; l < c.layers(); l++) {
            x = d.gatedMlp(d.normedAttention(x, l), l, Op.Activation.SILU);
        }
        return d.logits(x);
    }
}
