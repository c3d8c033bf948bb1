package io.jllm.load;

import io.jllm.model.Key;
import io.jllm.quant.gguf.GgufValue;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a family asked a {@code config.json} for, as a GGUF file of the model says it. */
final class GgufNotes {
    private final Map<String, GgufValue> values = new LinkedHashMap<>();
    private final Map<String, List<Float>> vectors = new LinkedHashMap<>();

    /** Notes a whole number, and gives it back. */
    int put(Key key, int value) {
        put(key, new GgufValue.Int(value < 0 ? GgufValue.Type.INT32 : GgufValue.Type.UINT32, value));
        return value;
    }

    /** Notes a value, if GGUF files have the key. */
    void put(Key key, GgufValue value) {
        if (!key.gguf().isEmpty()) {
            values.put(key.gguf(), value);
        }
    }

    /** Notes a tensor beside those of the program. */
    void put(String tensor, List<Float> vector) {
        vectors.put(tensor, vector);
    }

    /** The values, under GGUF's keys without the family's name, those of {@link Key#WRITTEN} first. */
    Map<String, GgufValue> values() {
        var sorted = new LinkedHashMap<String, GgufValue>();
        Key.WRITTEN.stream().map(Key::gguf).filter(values::containsKey).forEach(name -> sorted.put(name, values.get(name)));
        values.forEach(sorted::putIfAbsent);
        return sorted;
    }

    /** The tensors beside those of the program. */
    Map<String, List<Float>> vectors() {
        return vectors;
    }
}
