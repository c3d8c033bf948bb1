package io.jllm.server.json;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.Optional;

/** Puts an object together, in the order in which its members are told. For one thread. */
public final class JsonBuilder {
    private final JsonObject object = new JsonObject();

    JsonBuilder() {
    }

    public JsonBuilder put(String name, String value) {
        object.addProperty(name, value);
        return this;
    }

    public JsonBuilder put(String name, long value) {
        object.addProperty(name, value);
        return this;
    }

    public JsonBuilder put(String name, boolean value) {
        object.addProperty(name, value);
        return this;
    }

    public JsonBuilder put(String name, JsonElement value) {
        object.add(name, value);
        return this;
    }

    public JsonBuilder put(String name, JsonBuilder value) {
        return put(name, value.object);
    }

    /** The text, or null. */
    public JsonBuilder put(String name, Optional<String> value) {
        return value.map(v -> put(name, v)).orElseGet(() -> putNull(name));
    }

    public JsonBuilder putNull(String name) {
        return put(name, JsonNull.INSTANCE);
    }

    /** The member only if there is a value. */
    public JsonBuilder putIf(String name, Optional<String> value) {
        value.ifPresent(v -> put(name, v));
        return this;
    }

    /** The object; further members may follow. */
    public JsonObject json() {
        return object;
    }
}
