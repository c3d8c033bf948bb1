package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.model.Architecture;
import io.jllm.model.Key;
import io.jllm.model.Limits;
import io.jllm.quant.gguf.GgufValue;
import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Which layers have a sliding window, as a {@code config.json} says it. Source: the configuration classes of the transformers library. */
final class HuggingFaceWindows {
    private static final String WINDOW = Key.WINDOW.huggingFace().getFirst();
    private static final String TYPES = Key.WINDOW_LAYERS.huggingFace().getFirst();
    private static final String PATTERN = "sliding_window_pattern";
    private static final String FROM = "max_window_layers";
    private static final long UNSAID_FROM = 28;

    private HuggingFaceWindows() {
    }

    /** For each layer, how many positions it sees; 0 for all. */
    static List<Integer> of(ConfigJson json, int layers, Architecture.WindowRule rule) {
        return switch (rule.kind()) {
            case NONE -> Collections.nCopies(layers, 0);
            case ALL -> Collections.nCopies(layers, window(json, rule));
            case CHOSEN -> json.bool("use_sliding_window").orElse(false)
                    ? byType(json, layers, rule, l -> l >= json.integer(FROM).orElse(UNSAID_FROM)) : Collections.nCopies(layers, 0);
            case TYPED -> byType(json, layers, rule, l -> rule.layers().map(which -> which.get(l)).orElseGet(() -> (l + 1) % rule.every() != 0));
            case PATTERNED -> byType(json, layers, rule, window(json, rule) == 0 ? _ -> false : pattern(json, rule.every()));
        };
    }

    /** What a pattern says of a layer. */
    private static IntPredicate pattern(ConfigJson json, int unsaid) {
        if (json.value(PATTERN).filter(v -> v.isJsonPrimitive() && v.getAsJsonPrimitive().isString()).isPresent()) {
            var letters = json.text(PATTERN).get();
            if (letters.isEmpty()) {
                throw new ModelLoadException(json.name(PATTERN) + " is empty; it must have a letter at least, L for a layer with a window");
            }
            return l -> letters.charAt(l % letters.length()) == 'L';
        }
        int every = json.has(PATTERN) ? json.integer(PATTERN, 0, Limits.LAYERS) : unsaid;
        return l -> every == 0 || (l + 1) % every != 0;
    }

    private static List<Integer> byType(ConfigJson json, int layers, Architecture.WindowRule rule, IntPredicate unsaid) {
        int window = window(json, rule);
        var types = json.texts(TYPES);
        if (types.isEmpty()) {
            return IntStream.range(0, layers).map(l -> unsaid.test(l) ? window : 0).boxed().toList();
        }
        if (types.size() != layers) {
            throw new ModelLoadException(json.name(TYPES) + " has " + types.size() + " entries; " + Key.LAYERS.huggingFace().getFirst() + " is "
                    + layers);
        }
        return types.stream().map(type -> switch (type) {
            case "sliding_attention" -> window;
            case "full_attention" -> 0;
            default -> throw new ModelLoadException(json.name(TYPES) + " has \"" + type
                    + "\"; supported are full_attention and sliding_attention");
        }).toList();
    }

    /** The window of layers that have one; 0 if it is null. */
    static int window(ConfigJson json, Architecture.WindowRule rule) {
        if (!json.mentions(WINDOW)) {
            return rule.unsaid();
        }
        return json.has(WINDOW) ? json.integer(WINDOW, 1, Key.WINDOW.wholes().max()) : 0;
    }

    /** As GGUF has them: the number n if all layers but each n-th have one, which is all that llama.cpp reads of most families; or flags. */
    static GgufValue pattern(List<Integer> windows) {
        for (int n = 0; n <= windows.size(); n++) {
            int every = n;
            if (IntStream.range(0, windows.size()).allMatch(l -> windows.get(l) > 0 == (every == 0 || l % every < every - 1))) {
                return new GgufValue.Int(GgufValue.Type.UINT32, n);
            }
        }
        return flags(windows);
    }

    /** Which layers have one, as GGUF has them. */
    static GgufValue flags(List<Integer> windows) {
        var flags = new boolean[windows.size()];
        for (int l = 0; l < flags.length; l++) {
            flags[l] = windows.get(l) > 0;
        }
        return new GgufValue.Bools(flags);
    }
}
