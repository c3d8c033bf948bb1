package io.jllm.model.arch.llama;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import io.jllm.model.Rope;
import io.jllm.model.Rotary;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.List;
import java.util.OptionalInt;

/**
 * Ministral 3: llama whose queries grow in long texts. Of folders for text and images the part for text. Source: Mistral AI, Ministral 3, 2025.
 */
public final class Ministral3 extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(131_072, 4096, 14_336, 34, 32, OptionalInt.of(8), OptionalInt.of(128), 262_144,
            10_000, 1e-5, false, false);
    private static final String UNSAID_ROPE = """
            {"type": "yarn", "rope_theta": 1000000.0, "factor": 16.0, "original_max_position_embeddings": 16384, "beta_fast": 32.0,
             "beta_slow": 1.0, "mscale_all_dim": 1.0, "mscale": 1.0}""";
    private static final double UNSAID_GROWTH = 0.1;
    private static final int UNSAID_EVERY = 16_384;
    private static final Key ROPE = Key.text("", "rope_parameters", "rope_scaling");
    private static final Key GROWTH = Key.notNegative("attention.temperature_scale", "rope_parameters.llama_4_scaling_beta");
    private static final Key EVERY = Key.whole("rope.scaling.original_context_length", 1, Limits.CONTEXT,
            "rope_parameters.original_max_position_embeddings", "original_max_position_embeddings");

    /** The family. */
    public Ministral3() {
        super("ministral3", "mistral3", Rope.Layout.INTERLEAVED, UNSAID);
    }

    @Override
    public List<String> multimodal() {
        return List.of("mistral3");
    }

    @Override
    protected WindowRule windowRule() {
        return WindowRule.all(0);
    }

    @Override
    protected Rotary rotary(Rotary usual, Keys keys) {
        return usual.unsaidParameters(UNSAID_ROPE);
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        boolean said = keys.has(ROPE);
        model.temperature(keys.real(GROWTH, said ? 0 : UNSAID_GROWTH, 0),
                keys.optionalInteger(EVERY).orElse(said || !keys.knows(Key.TIED) ? n.context() : UNSAID_EVERY));
    }
}
