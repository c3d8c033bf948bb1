package io.jllm.model.arch.experts;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.Limits;
import java.util.List;

/**
 * Which layers of a Qwen mixture have experts. GGUF files of llama.cpp know those alone that have them in all layers; the names are ours there.
 *
 * @param dense numbers of layers without
 * @param step each so many of the others has them
 */
record QwenLayers(List<Integer> dense, int step) {
    private static final Key DENSE = Key.whole("mlp_only_layers", 0, Limits.LAYERS, "mlp_only_layers");
    private static final Key STEP = Key.whole("decoder_sparse_step", 1, Limits.LAYERS, "decoder_sparse_step");

    static QwenLayers read(Keys keys) {
        return new QwenLayers(keys.list(DENSE), keys.integer(STEP, 1, 1));
    }

    boolean isSparse(int layer) {
        return !dense.contains(layer) && (layer + 1) % step == 0;
    }
}
