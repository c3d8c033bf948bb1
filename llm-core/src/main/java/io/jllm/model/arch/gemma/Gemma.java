package io.jllm.model.arch.gemma;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Op;
import io.jllm.model.decoder.ConfigDefaults;
import java.util.OptionalInt;

/** Gemma. Source: Gemma Team, Gemma, 2024. */
public final class Gemma extends GemmaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(256_000, 3072, 24_576, 28, 16, OptionalInt.of(16), OptionalInt.of(256), 8192,
            10_000, 1e-6, true, false);
    private static final Key ACTIVATION = Key.text("", "hidden_activation");
    /** Which only transformers 5 writes. */
    private static final Key LATER = Key.text("", "rope_parameters");

    /** The family. */
    public Gemma() {
        super("gemma", "gemma", UNSAID);
    }

    /** transformers 4 went by {@code hidden_activation} alone, for the first files named another in {@code hidden_act} than was meant. */
    @Override
    protected Op.Activation activation(Keys keys) {
        return keys.activation(keys.has(ACTIVATION) || !keys.has(LATER) ? ACTIVATION : Key.ACTIVATION, Op.Activation.GELU_TANH);
    }
}
