package io.jllm.model.arch.llama;

import io.jllm.model.HeadOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.OptionalInt;

/** OLMo: layer norms without weights, and a limit of queries, keys and values. Source: Groeneveld and others, OLMo, 2024. */
public final class Olmo extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(50_304, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048,
            10_000, 1e-5, false, false);
    private static final Key CLIP = Key.positive("attention.clamp_kqv", "clip_qkv");

    /** The family. */
    public Olmo() {
        super("olmo", "olmo", Rope.Layout.INTERLEAVED, UNSAID);
    }

    @Override
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, false);
    }

    @Override
    protected HeadOp.Kind norm() {
        return HeadOp.Kind.LAYER;
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        model.clip(keys.optionalReal(CLIP).orElse(0));
    }
}
