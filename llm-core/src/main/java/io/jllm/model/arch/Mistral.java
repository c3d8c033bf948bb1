package io.jllm.model.arch;

import io.jllm.model.Architecture;
import io.jllm.model.ConfigDefaults;
import io.jllm.model.ModelConfig;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import java.util.OptionalInt;

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
    public ConfigDefaults defaults() {
        return new ConfigDefaults(32_000, 4096, 14_336, 32, 32, OptionalInt.of(8), OptionalInt.empty(), 131_072);
    }

    @Override
    public Program program(ModelConfig c) {
        return Decoder.llamaLike(c);
    }
}
