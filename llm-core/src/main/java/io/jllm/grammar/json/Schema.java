package io.jllm.grammar.json;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

/**
 * A schema within a document.
 *
 * @param path where it stands, as a JSON pointer after {@code #}: no two schemas have the same
 * @param value true, false or an object
 */
record Schema(String path, JsonElement value) {
    boolean isTrue() {
        return value.isJsonPrimitive() && value.getAsBoolean() || value.isJsonObject() && value.getAsJsonObject().isEmpty();
    }

    boolean isFalse() {
        return value.isJsonPrimitive() && !value.getAsBoolean();
    }

    JsonObject object() {
        return value.getAsJsonObject();
    }

    boolean has(String keyword) {
        return value.isJsonObject() && object().has(keyword);
    }

    JsonElement get(String keyword) {
        return object().get(keyword);
    }

    /** The schema that a keyword holds. */
    Schema child(String keyword) {
        return new Schema(path + "/" + escaped(keyword), get(keyword));
    }

    /** The schema that a keyword's object holds under a name. */
    Schema child(String keyword, String name) {
        return new Schema(path + "/" + keyword + "/" + escaped(name), get(keyword).getAsJsonObject().get(name));
    }

    /** The schema that a keyword's array holds at a place. */
    Schema child(String keyword, int place) {
        return new Schema(path + "/" + keyword + "/" + place, get(keyword).getAsJsonArray().get(place));
    }

    private static String escaped(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }

    IllegalArgumentException refused(String keyword, String why) {
        return new IllegalArgumentException("JSON schema: " + keyword + " at " + path + " " + why);
    }
}
