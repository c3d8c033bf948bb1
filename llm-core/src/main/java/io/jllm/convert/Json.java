package io.jllm.convert;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Reads the parts of a JSON tree that may be missing or null, or of another kind than they should be. */
final class Json {
    private static final long MAX_BYTES = 256 << 20;

    private Json() {
    }

    /** The object in a file; an empty one if there is no file. */
    static JsonObject read(Path file) throws IOException {
        if (!Files.exists(file)) {
            return new JsonObject();
        }
        long size = Files.size(file);
        if (size > MAX_BYTES) {
            throw new ModelLoadException(file + " has " + size + " bytes; such a file has at most " + MAX_BYTES);
        }
        try {
            if (JsonParser.parseString(Files.readString(file)) instanceof JsonObject o) {
                return o;
            }
        } catch (JsonParseException e) {
            throw new ModelLoadException(file + " is not valid JSON: " + e.getMessage(), e);
        }
        throw new ModelLoadException(file + " does not hold a JSON object");
    }

    static Optional<JsonObject> object(JsonObject in, String key) {
        return in.get(key) instanceof JsonObject o ? Optional.of(o) : Optional.empty();
    }

    /** The elements of an array; none if there is no array. */
    static List<JsonElement> list(JsonObject in, String key) {
        return in.get(key) instanceof JsonArray a ? a.asList() : List.of();
    }

    static Optional<String> text(JsonObject in, String key) {
        return in.get(key) instanceof JsonPrimitive p && p.isString() ? Optional.of(p.getAsString()) : Optional.empty();
    }

    static boolean isTrue(JsonObject in, String key) {
        return in.get(key) instanceof JsonPrimitive p && p.isBoolean() && p.getAsBoolean();
    }

    /** A whole number of 32 bits. */
    static Optional<Integer> integer(JsonElement e) {
        try {
            return e instanceof JsonPrimitive p && p.isNumber() ? Optional.of(p.getAsInt()) : Optional.empty();
        } catch (NumberFormatException _) {
            return Optional.empty();
        }
    }
}
