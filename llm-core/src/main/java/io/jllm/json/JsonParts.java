package io.jllm.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Reads the parts of a JSON tree that may be missing or null, or of another kind than they should be. */
public final class JsonParts {
    private static final long MAX_BYTES = 256 << 20;

    private JsonParts() {
    }

    /** The object in a file; an empty one if there is no file. */
    public static JsonObject read(Path file) {
        return ConfigJson.read(file, MAX_BYTES).map(ConfigJson::json).orElseGet(JsonObject::new);
    }

    public static Optional<JsonObject> object(JsonObject in, String key) {
        return in.get(key) instanceof JsonObject o ? Optional.of(o) : Optional.empty();
    }

    /** The elements of an array; none if there is no array. */
    public static List<JsonElement> list(JsonObject in, String key) {
        return in.get(key) instanceof JsonArray a ? a.asList() : List.of();
    }

    public static Optional<String> text(JsonObject in, String key) {
        return in.get(key) instanceof JsonPrimitive p && p.isString() ? Optional.of(p.getAsString()) : Optional.empty();
    }

    public static boolean isTrue(JsonObject in, String key) {
        return in.get(key) instanceof JsonPrimitive p && p.isBoolean() && p.getAsBoolean();
    }

    /** A whole number of 32 bits. */
    public static Optional<Integer> integer(JsonElement e) {
        try {
            return e instanceof JsonPrimitive p && p.isNumber() ? Optional.of(p.getAsInt()) : Optional.empty();
        } catch (NumberFormatException _) {
            return Optional.empty();
        }
    }
}
