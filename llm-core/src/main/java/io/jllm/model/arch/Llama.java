package io.jllm.model.arch;

import io.jllm.model.Architecture;
import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;

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
    public Program program(ModelConfig c) {
        var d = new Decoder(c);
        var x = d.embed();
        for (int l = 0; l < c.layers(); l++) {
            x = d.gatedMlp(d.attention(x, l), l, Op.Activation.SILU);
        }
        return d.logits(x);
    }
}
