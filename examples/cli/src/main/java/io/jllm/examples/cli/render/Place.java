package io.jllm.examples.cli.render;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.TypeAdapter;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Json;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A part of a JSON file.
 *
 * @param name how errors name it: the file and the way from its top
 * @param json what is there; null of JSON where there is nothing
 */
record Place(String name, JsonElement json) {
    private static final TypeAdapter<JsonElement> READER = new Gson().getAdapter(JsonElement.class);
    private static final int SHOWN = 60;

    /** The top of a file. */
    static Place read(Path file) throws IOException {
        return parse(file.toString(), Texts.read(file));
    }

    /** The top of a text that errors name so. */
    static Place parse(String name, String text) {
        try (var reader = new JsonReader(new StringReader(text))) {
            reader.setStrictness(Strictness.STRICT);
            JsonElement json = READER.read(reader);
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw new BadInput(name + " is not valid JSON: more follows after the value");
            }
            return new Place(name, json);
        } catch (IOException | JsonParseException | IllegalStateException e) {
            String complaint = String.valueOf(e.getMessage()).lines().findFirst().orElse("it is empty");
            throw new BadInput(name + " is not valid JSON: " + complaint.replaceFirst("Use JsonReader\\.set\\S+ to accept ", ""), e);
        }
    }

    boolean isMissing() {
        return json.isJsonNull();
    }

    boolean isArray() {
        return json.isJsonArray();
    }

    boolean isText() {
        return json instanceof JsonPrimitive p && p.isString();
    }

    /** What an object has under a key. */
    Place get(String key) {
        if (!(json instanceof JsonObject object)) {
            throw wrong("an object");
        }
        JsonElement found = object.get(key);
        return new Place(name + ": " + key, found == null ? JsonNull.INSTANCE : found);
    }

    /** The keys of an object. */
    List<String> keys() {
        if (!(json instanceof JsonObject object)) {
            throw wrong("an object");
        }
        return List.copyOf(object.keySet());
    }

    /** The elements of an array; none if nothing is there. */
    List<Place> list() {
        if (isMissing()) {
            return List.of();
        }
        if (!(json instanceof JsonArray array)) {
            throw wrong("an array");
        }
        var places = new ArrayList<Place>();
        for (JsonElement element : array) {
            places.add(new Place(name + "[" + places.size() + "]", element));
        }
        return places;
    }

    String text() {
        if (!isText()) {
            throw wrong("a string");
        }
        return json.getAsString();
    }

    Optional<String> optionalText() {
        return isMissing() ? Optional.empty() : Optional.of(text());
    }

    /** True or false, or what counts if nothing is there. */
    boolean flag(boolean otherwise) {
        if (isMissing()) {
            return otherwise;
        }
        if (json instanceof JsonPrimitive p && p.isBoolean()) {
            return p.getAsBoolean();
        }
        throw wrong("true or false");
    }

    /** It must be something else. */
    BadInput wrong(String wanted) {
        String is = Json.line(json);
        String shown = is.length() > SHOWN ? is.substring(0, SHOWN) + "..." : is;
        return new BadInput(name + " must be " + wanted + ", is " + (isMissing() ? "missing" : shown));
    }
}
