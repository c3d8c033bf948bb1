package io.jllm.model.arch.gemma;

import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Rotary;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.Numbers;
import java.util.List;
import java.util.OptionalInt;

/**
 * Gemma 3: as Gemma 2 without caps, with norms of queries and keys; layers with a window rotate faster. Of folders for text and images the
 * part for text. Source: Gemma Team, Gemma 3, 2025.
 */
public final class Gemma3 extends GemmaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(262_208, 2304, 9216, 26, 8, OptionalInt.of(4), OptionalInt.of(256), 131_072,
            1_000_000, 1e-6, true, false);
    private static final Key LOCAL_BASE = Key.positive("rope.freq_base_swa", "rope_local_base_freq");
    private static final int LARGEST = 62;

    /** The family. */
    public Gemma3() {
        super("gemma3_text", "gemma3", UNSAID);
    }

    @Override
    public List<String> multimodal() {
        return List.of("gemma3");
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.patterned(6, 4096);
    }

    @Override
    protected Rotary rotary(Rotary usual, Keys keys) {
        return usual.ofLayers("full_attention");
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        super.differ(model, n, keys);
        second(model, n, keys, LARGEST, 0, 0);
        model.headNorms(HeadOp.Kind.RMS, HeadOp.Scope.ALIKE).localRope(keys.rope(Rotary.of(n.shape().headDim(), n.context())
                .ofLayers("sliding_attention").base(LOCAL_BASE, 10_000).unscaled()));
    }
}
