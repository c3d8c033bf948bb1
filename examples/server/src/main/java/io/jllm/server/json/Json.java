package io.jllm.server.json;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonPrimitive;
import java.util.List;

/** JSON as replies have it: on one line, every digit of a number that it takes to read it back. */
public final class Json {
    private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    private Json() {
    }

    /** On one line. */
    public static String text(JsonElement json) {
        return GSON.toJson(json);
    }

    /** A text as JSON has it, with its quotes. */
    public static String quoted(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c == '"' || c == '\\' || c == '\u2028' || c == '\u2029') {
                return GSON.toJson(text);
            }
        }
        return '"' + text + '"'; // most pieces of texts are so, and there is one for each token
    }

    /** A new object. */
    public static JsonBuilder object() {
        return new JsonBuilder();
    }

    public static JsonArray array(List<? extends JsonElement> elements) {
        var array = new JsonArray(elements.size());
        elements.forEach(array::add);
        return array;
    }

    public static JsonArray array(JsonElement... elements) {
        return array(List.of(elements));
    }

    public static JsonArray array(int[] values) {
        var array = new JsonArray(values.length);
        for (int v : values) {
            array.add(v);
        }
        return array;
    }

    public static JsonArray array(float[] values) {
        var array = new JsonArray(values.length);
        for (float v : values) {
            array.add(number(v));
        }
        return array;
    }

    /** The bytes as numbers, 0 to 255. */
    public static JsonArray array(byte[] bytes) {
        var array = new JsonArray(bytes.length);
        for (byte b : bytes) {
            array.add(Byte.toUnsignedInt(b));
        }
        return array;
    }

    /** A number; null for NaN and the infinities, which JSON has not. */
    public static JsonElement number(double value) {
        return Double.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
    }

    /** The same in the digits of a float. */
    public static JsonElement number(float value) {
        return Float.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
    }
}
