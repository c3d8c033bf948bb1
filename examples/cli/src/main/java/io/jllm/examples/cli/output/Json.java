package io.jllm.examples.cli.output;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonPrimitive;

/** JSON as the commands print it: one line, every digit of a number that it takes to read it back. */
public final class Json {
    private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    private Json() {
    }

    /** On one line. */
    public static String line(JsonElement json) {
        return GSON.toJson(json);
    }

    /** Integers. */
    public static JsonArray array(int[] values) {
        var array = new JsonArray(values.length);
        for (int v : values) {
            array.add(v);
        }
        return array;
    }

    /** Numbers as an array. */
    public static JsonArray array(float[] values) {
        var array = new JsonArray(values.length);
        for (float v : values) {
            array.add(number(v));
        }
        return array;
    }

    /** A number; null for NaN and the infinities, which JSON has not. */
    public static JsonElement number(float value) {
        return Float.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
    }

    /** A number; null for NaN and the infinities, which JSON has not. */
    public static JsonElement number(double value) {
        return Double.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
    }

    /** A number with three decimals, for times. */
    public static JsonElement rounded(double value) {
        return number(Math.rint(value * 1000) / 1000);
    }
}
