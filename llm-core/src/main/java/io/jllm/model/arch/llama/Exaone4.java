package io.jllm.model.arch.llama;

import io.jllm.model.HeadOp;
import io.jllm.model.Keys;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.OptionalInt;

/**
 * EXAONE 4: norms after products only, and of each head of q and k. Where it has windows, the layers without one know no positions. Source:
 * LG AI Research, EXAONE 4.0, 2025.
 */
public final class Exaone4 extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(102_400, 4096, 16_384, 32, 32, OptionalInt.of(32), OptionalInt.empty(), 2048,
            10_000, 1e-5, false, false);

    /** The family. */
    public Exaone4() {
        super("exaone4", "exaone4", Rope.Layout.NEOX, UNSAID);
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.patterned(4, 4096);
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        model.normsAfter().layerName("post_attention_layernorm", "post_attention_norm").layerName("post_feedforward_layernorm", "post_ffw_norm")
                .headNorms(HeadOp.Kind.RMS, HeadOp.Scope.ALIKE);
        if (keys.window(windowRule()) > 0) {
            model.rotated(model.windows().stream().map(w -> w > 0).toList());
        }
    }
}
