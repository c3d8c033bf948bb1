package io.jllm.examples.cli.inspect;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import io.jllm.examples.cli.output.Json;
import io.jllm.quant.gguf.GgufValue;
import java.math.BigInteger;
import java.util.Arrays;

/** Values of GGUF metadata as JSON. */
final class GgufJson {
    private GgufJson() {
    }

    /** The value, whole. */
    static JsonElement of(GgufValue value) {
        return switch (value) {
            case GgufValue.Int v -> integer(v.type(), v.value());
            case GgufValue.Real v -> real(v.type(), v.value());
            case GgufValue.Bool v -> new JsonPrimitive(v.value());
            case GgufValue.Text v -> new JsonPrimitive(v.value());
            case GgufValue.Ints v -> {
                var array = new JsonArray(v.values().length);
                Arrays.stream(v.values()).forEach(x -> array.add(integer(v.elementType(), x)));
                yield array;
            }
            case GgufValue.Reals v -> {
                var array = new JsonArray(v.values().length);
                Arrays.stream(v.values()).forEach(x -> array.add(real(v.elementType(), x)));
                yield array;
            }
            case GgufValue.Bools v -> {
                var array = new JsonArray(v.values().length);
                for (boolean b : v.values()) {
                    array.add(b);
                }
                yield array;
            }
            case GgufValue.Texts v -> {
                var array = new JsonArray(v.values().size());
                v.values().forEach(array::add);
                yield array;
            }
            case GgufValue.Nested v -> {
                var array = new JsonArray(v.values().size());
                v.values().forEach(x -> array.add(of(x)));
                yield array;
            }
        };
    }

    private static JsonElement integer(GgufValue.Type type, long value) {
        return type == GgufValue.Type.UINT64 && value < 0 ? new JsonPrimitive(new BigInteger(Long.toUnsignedString(value)))
                : new JsonPrimitive(value);
    }

    private static JsonElement real(GgufValue.Type type, double value) {
        return type == GgufValue.Type.FLOAT32 ? Json.number((float) value) : Json.number(value);
    }
}
