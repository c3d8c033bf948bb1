package io.jllm.model.arch.llama;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.arch.experts.Mixtral;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.LlamaLike;
import java.util.OptionalInt;

/** Llama 1 to 3: pre-norm, grouped heads, gated SiLU. Source: Touvron et al., 2023. */
public final class Llama extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(32_000, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048);

    /** The family. */
    public Llama() {
        super("llama", "llama", Rope.Layout.INTERLEAVED, UNSAID);
    }

    /** GGUF files of Mixtral say {@code llama} too. */
    @Override
    public Model read(Keys keys) {
        return keys.optionalInteger(Key.EXPERTS).orElse(0) > 0 ? Mixtral.read(keys, UNSAID.ropeBase()) : super.read(keys);
    }

    @Override
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, mlp);
    }
}
