package io.jllm.model.arch.llama;

import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.Numbers;
import java.util.Optional;
import java.util.OptionalInt;

/** Command R. Source: Cohere, 2024. */
public final class Cohere extends CohereLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(256_000, 8192, 22_528, 40, 64, OptionalInt.empty(), OptionalInt.empty(), 8192,
            500_000, 1e-5, true, false);
    private static final Key NORMS_HEADS = Key.flag("", "use_qk_norm");

    /** The family. */
    public Cohere() {
        super("cohere", "command-r", UNSAID);
    }

    /** The larger one norms each head with weights of its own; GGUF files show it by their tensors. */
    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        super.differ(model, n, keys);
        model.headNorms(HeadOp.Kind.LAYER, HeadOp.Scope.EACH, keys.knows(Key.TIED) ? Optional.of(keys.flag(NORMS_HEADS).orElse(false))
                : Optional.empty());
    }
}
