package io.jllm.model.arch.llama;

import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.OptionalInt;

/** Seed-OSS: as llama, with biases on q, k and v. Source: ByteDance Seed, 2025. */
public final class SeedOss extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(155_136, 4096, 27_648, 64, 80, OptionalInt.of(8), OptionalInt.of(128), 524_288,
            10_000, 1e-6, false, true);

    /** The family. */
    public SeedOss() {
        super("seed_oss", "seed_oss", Rope.Layout.NEOX, UNSAID);
    }

    /** The output's bias has a flag of its own, and is there if its tensor is. */
    @Override
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, false, mlp);
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        model.ffnNorm("post_attention_norm");
    }
}
