package io.jllm.model.arch.llama;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.ModelConfig;
import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.DenseBuilder;
import io.jllm.model.decoder.LlamaLike;
import io.jllm.model.decoder.Numbers;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** SmolLM3: as llama, with layers that know no positions, by default each fourth. Source: Bakouch et al., Hugging Face, 2025. */
public final class SmolLm3 extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(128_256, 2048, 11_008, 36, 16, OptionalInt.of(4), OptionalInt.empty(), 32_768,
            2_000_000, 1e-6, true, false);
    /** Whether a layer rotates, 1 or 0. GGUF files of llama.cpp know the default alone; this name and the next are ours. */
    private static final Key ROTATES = Key.whole("rope.layers", 0, 1, "no_rope_layers");
    private static final Key INTERVAL = Key.whole("rope.layer_interval", 1, Integer.MAX_VALUE, "no_rope_layer_interval");
    private static final Key SLIDES = Key.flag("", "use_sliding_window");
    private static final int UNSAID_INTERVAL = 4;

    /** The family. */
    public SmolLm3() {
        super("smollm3", "smollm3", Rope.Layout.INTERLEAVED, UNSAID);
    }

    @Override
    protected ModelConfig.Biases biases(boolean attention, boolean mlp) {
        return new ModelConfig.Biases(attention, attention, mlp);
    }

    /** Layers have a window if {@code layer_types} says so, or else those that know no positions, if {@code use_sliding_window}. */
    @Override
    protected WindowRule windowRule(Keys keys, int layers) {
        boolean slides = keys.flag(SLIDES).orElse(false);
        return WindowRule.typed(rotated(keys, layers).stream().map(r -> slides && !r).toList(), 0);
    }

    @Override
    protected void differ(DenseBuilder model, Numbers n, Keys keys) {
        model.rotated(rotated(keys, n.layers()));
    }

    private static List<Boolean> rotated(Keys keys, int layers) {
        int interval = keys.optionalInteger(INTERVAL).orElse(UNSAID_INTERVAL);
        return keys.has(ROTATES) ? keys.integers(ROTATES, layers).stream().map(r -> r == 1).toList()
                : IntStream.range(0, layers).mapToObj(l -> (l + 1) % interval != 0).toList();
    }
}
