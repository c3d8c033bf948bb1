package io.jllm.model.arch.gemma;

import io.jllm.model.Keys;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.Numbers;
import java.util.OptionalInt;

/** Gemma 2: norms after products too, soft caps, and a window in every other layer. Source: Gemma Team, Gemma 2, 2024. */
public final class Gemma2 extends GemmaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(256_000, 2304, 9216, 26, 8, OptionalInt.of(4), OptionalInt.of(256), 8192,
            10_000, 1e-6, true, false);
    private static final int WINDOW = 4096;
    private static final int LARGEST = 46;

    /** The family. */
    public Gemma2() {
        super("gemma2", "gemma2", UNSAID);
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.typed(2, WINDOW).inFile(WINDOW);
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        super.differ(model, n, keys);
        second(model, n, keys, LARGEST, 50, 30);
    }
}
