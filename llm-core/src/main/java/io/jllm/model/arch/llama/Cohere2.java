package io.jllm.model.arch.llama;

import io.jllm.ModelLoadException;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.Numbers;
import java.util.OptionalInt;

/** Command R7B and A: a window in three of four layers; the fourth knows no positions. Source: Cohere, 2024. */
public final class Cohere2 extends CohereLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(256_000, 8192, 22_528, 40, 64, OptionalInt.empty(), OptionalInt.empty(), 8192,
            10_000, 1e-5, true, false);
    private static final Key ROTARY_PART = Key.positive("", "rotary_pct");
    private static final Key ORDER = Key.text("", "order_of_interleaved_layers");
    private static final Key POSITIONS = Key.text("", "position_embedding_type");
    private static final Key PARALLEL = Key.flag("", "use_parallel_block");
    private static final Key GATED = Key.flag("", "use_gated_activation");

    /** The family. */
    public Cohere2() {
        super("cohere2", "cohere2", UNSAID);
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.patterned(4, 4096);
    }

    /** The switches are those of the makers' own code, which the transformers library does not read. */
    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        keys.only(PARALLEL, true);
        keys.only(GATED, true);
        keys.only(ORDER, "local_attn_first");
        keys.only(POSITIONS, "rope_gptj");
        keys.optionalReal(ROTARY_PART).ifPresent(part -> {
            if (part != 1) {
                throw new ModelLoadException(keys.name(ROTARY_PART) + " is " + part + "; supported is 1");
            }
        });
        super.differ(model, n, keys);
        model.rotated(model.windows().stream().map(w -> w > 0).toList());
    }
}
