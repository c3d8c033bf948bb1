package io.jllm.model.arch.llama;

import io.jllm.model.decoder.ConfigDefaults;
import java.util.OptionalInt;

/** OLMo 2. GGUF files of OLMo 3 have its name, and its windows. Source: Team OLMo, OLMo 2, 2025. */
public final class Olmo2 extends OlmoLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(50_304, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048,
            10_000, 1e-5, false, false);

    /** The family. */
    public Olmo2() {
        super("olmo2", UNSAID);
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.onlyInFile(4);
    }
}
