package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.Architecture;
import io.jllm.model.Key;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Which layers have a sliding window, as a {@code config.json} says it. Source: the configuration classes of the transformers library. */
final class HuggingFaceWindows {
    /** How many positions the windows of all families have that have one and do not say it. */
    private static final int UNSAID = 4096;
    private static final String WINDOW = Key.WINDOW.huggingFace().getFirst();
    private static final String TYPES = Key.WINDOW_LAYERS.huggingFace().getFirst();

    private HuggingFaceWindows() {
    }

    /** For each layer, how many positions it sees; 0 for all. */
    static List<Integer> of(ConfigJson json, int layers, Architecture.WindowRule rule) {
        return switch (rule) {
            case NONE -> Collections.nCopies(layers, 0);
            case SAID -> Collections.nCopies(layers, json.has(WINDOW) ? window(json) : 0);
            case ALL -> Collections.nCopies(layers, window(json));
            case CHOSEN -> json.bool("use_sliding_window").orElse(false) ? chosen(json, layers) : Collections.nCopies(layers, 0);
        };
    }

    private static List<Integer> chosen(ConfigJson json, int layers) {
        int window = window(json);
        var types = json.texts(TYPES);
        if (!types.isEmpty() && types.size() != layers) {
            throw new ModelLoadException(json.name(TYPES) + " has " + types.size() + " entries; " + Key.LAYERS.huggingFace().getFirst() + " is "
                    + layers);
        }
        long from = json.integer("max_window_layers").orElse(28L);
        var out = new ArrayList<Integer>();
        for (int l = 0; l < layers; l++) {
            var type = !types.isEmpty() ? types.get(l) : l >= from ? "sliding_attention" : "full_attention";
            out.add(switch (type) {
                case "sliding_attention" -> window;
                case "full_attention" -> 0;
                default -> throw new ModelLoadException(json.name(TYPES) + " has \"" + type
                        + "\"; supported are full_attention and sliding_attention");
            });
        }
        return out;
    }

    /** The window of layers that have one; 0 if it is null. */
    private static int window(ConfigJson json) {
        if (!json.mentions(WINDOW)) {
            return UNSAID;
        }
        return json.has(WINDOW) ? json.integer(WINDOW, 1, Key.WINDOW.wholes().max()) : 0;
    }
}
