package io.jllm.model.arch;

import io.jllm.model.Architecture;
import io.jllm.model.ModelConfig;
import io.jllm.model.Program;
import io.jllm.model.Rope;

/** Mistral: Llama with a sliding window. Its GGUF files say {@code llama}. Source: Jiang et al., Mistral 7B, 2023. */
public final class Mistral implements Architecture {
    @Override
    public String name() {
        return "mistral";
    }

    @Override
    public String ggufName() {
        return "llama";
    }

    @Override
    public Rope.Layout ggufRope() {
        return Rope.Layout.INTERLEAVED;
    }

    @Override
    public WindowRule windowRule() {
        return WindowRule.ALL;
    }

    @Override
    public Program program(ModelConfig c) {
        return Decoder.llamaLike(c);
    }
}
