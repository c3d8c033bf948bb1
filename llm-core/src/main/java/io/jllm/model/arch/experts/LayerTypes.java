package io.jllm.model.arch.experts;

import io.jllm.ModelLoadException;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import java.util.List;

/** What {@code layer_types} says. */
final class LayerTypes {
    private LayerTypes() {
    }

    /** The windows of layers, of which some slide. */
    static List<Integer> windows(Keys keys, int layers, List<String> types, int window) {
        return check(keys, layers, types, "sliding_attention").stream().map(type -> type.equals("full_attention") ? 0 : window).toList();
    }

    /**
     * The types, one for each layer.
     *
     * @param other what may be in the list beside {@code full_attention}
     */
    static List<String> check(Keys keys, int layers, List<String> types, String other) {
        if (types.size() != layers) {
            throw new ModelLoadException(keys.name(Key.WINDOW_LAYERS) + " has " + types.size() + " entries; " + keys.furtherName(Key.LAYERS) + " is "
                    + layers);
        }
        types.stream().filter(type -> !type.equals("full_attention") && !type.equals(other)).findFirst().ifPresent(type -> {
            throw new ModelLoadException(keys.name(Key.WINDOW_LAYERS) + " has \"" + type + "\"; supported are full_attention and " + other);
        });
        return types;
    }
}
