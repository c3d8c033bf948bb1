package io.jllm.model.arch.llama;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.Collections;
import java.util.OptionalInt;

/** Granite 3 and 4, dense: llama with scales of embeddings, scores, residuals and logits. Source: Granite Team, IBM, 2024. */
public final class Granite extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(32_000, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048);
    private static final Key SCORES = Key.notNegative("attention.scale", "attention_multiplier");
    private static final Key EMBEDDINGS = Key.notNegative("embedding_scale", "embedding_multiplier");
    private static final Key RESIDUALS = Key.notNegative("residual_scale", "residual_multiplier");
    private static final Key LOGITS = Key.positive("logit_scale", "logits_scaling");
    /** As GGUF files of Granite say whether layers know positions. */
    private static final Key ROTATES = Key.flag("rope.scaling.finetuned");

    /** The family. */
    public Granite() {
        super("granite", "granite", Rope.Layout.INTERLEAVED, UNSAID);
    }

    @Override
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, mlp);
    }

    /** In GGUF files 0 is as good as nothing said. */
    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        double scores = keys.real(SCORES, 1, 0);
        if (scores != 0) {
            model.scale(scores);
        }
        model.scales(oneForZero(keys.real(EMBEDDINGS, 1, 1)), oneForZero(keys.real(RESIDUALS, 1, 1)), 1 / keys.real(LOGITS, 1, 1));
        model.rotated(Collections.nCopies(n.layers(), keys.flag(ROTATES).orElse(true)));
    }

    private static double oneForZero(double scale) {
        return scale == 0 ? 1 : scale;
    }
}
