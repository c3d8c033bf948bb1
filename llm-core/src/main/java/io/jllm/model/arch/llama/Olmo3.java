package io.jllm.model.arch.llama;

import io.jllm.model.Keys;
import io.jllm.model.Rotary;
import io.jllm.model.decoder.ConfigDefaults;
import java.util.OptionalInt;

/** OLMo 3: OLMo 2 with a window in three of four layers, whose rotation is not scaled. Source: Team OLMo, OLMo 3, 2025. */
public final class Olmo3 extends OlmoLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(50_304, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048,
            500_000, 1e-5, false, false);

    /** The family. */
    public Olmo3() {
        super("olmo3", UNSAID);
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.typed(4, 4096);
    }

    @Override
    protected Rotary rotary(Rotary usual, Keys keys) {
        return usual.ofLayers("full_attention");
    }
}
