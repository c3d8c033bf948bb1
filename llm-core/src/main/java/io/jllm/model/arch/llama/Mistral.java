package io.jllm.model.arch.llama;

import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.LlamaLike;
import java.util.List;
import java.util.OptionalInt;

/** Mistral: Llama with a sliding window. Its GGUF files say {@code llama}. Source: Jiang et al., Mistral 7B, 2023. */
public final class Mistral extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(32_000, 4096, 14_336, 32, 32, OptionalInt.of(8), OptionalInt.empty(), 131_072);

    /** The family. */
    public Mistral() {
        super("mistral", "llama", Rope.Layout.INTERLEAVED, UNSAID);
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.ALL;
    }

    @Override
    public List<String> multimodal() {
        return List.of("mistral3");
    }
}
