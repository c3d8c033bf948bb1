package io.jllm.schema;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import io.jllm.quant.file.JsonComplaint;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.util.IdentityHashMap;
import java.util.Map;

/** Reads a text by RFC 8259 and nothing else: no names without quotes, no names twice, nothing behind the value. */
final class StrictJson {
    /** Gson's default, said here because writing has it too. */
    static final int DEEPEST = 255;

    /** Characters of a number: more are no number that anybody means, and cost time with the square. */
    static final int MOST_DIGITS = 4096;

    /**
     * A value as it was written.
     *
     * @param value of members with one name in an object it has the last
     * @param twice for each such object, by its identity, one of those names
     */
    record Text(JsonElement value, Map<JsonObject, String> twice) {
    }

    private final Map<JsonObject, String> twice = new IdentityHashMap<>();

    private StrictJson() {
    }

    /**
     * The value in a text.
     *
     * @throws JsonReadException if it is none, with the place
     */
    static Text parse(String text) {
        var reader = new JsonReader(new StringReader(text));
        reader.setStrictness(Strictness.STRICT);
        reader.setNestingLimit(DEEPEST);
        try {
            var strict = new StrictJson();
            JsonElement value = strict.value(reader);
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw new JsonReadException("there is more behind the JSON value");
            }
            return new Text(value, strict.twice);
        } catch (EOFException e) {
            throw new JsonReadException("the text ends within the JSON value, at " + reader.getPath(), e);
        } catch (MalformedJsonException e) {
            throw new JsonReadException("the text is not valid JSON: " + JsonComplaint.of(e), e);
        } catch (IOException e) {
            throw new IllegalStateException("a text in memory cannot be read", e);
        }
    }

    private JsonElement value(JsonReader reader) throws IOException {
        return switch (reader.peek()) {
            case BEGIN_OBJECT -> object(reader);
            case BEGIN_ARRAY -> {
                var array = new JsonArray();
                reader.beginArray();
                while (reader.hasNext()) {
                    array.add(value(reader));
                }
                reader.endArray();
                yield array;
            }
            case STRING -> new JsonPrimitive(reader.nextString());
            case NUMBER -> new JsonPrimitive(number(reader));
            case BOOLEAN -> new JsonPrimitive(reader.nextBoolean());
            case NULL -> {
                reader.nextNull();
                yield JsonNull.INSTANCE;
            }
            case NAME, END_OBJECT, END_ARRAY, END_DOCUMENT -> throw new MalformedJsonException("no value at " + reader.getPath());
        };
    }

    private static BigDecimal number(JsonReader reader) throws IOException {
        String place = reader.getPath();
        String text = reader.nextString();
        if (text.length() > MOST_DIGITS) {
            throw new JsonReadException(place + " is a number of " + text.length() + " characters; it may have " + MOST_DIGITS);
        }
        try {
            return new BigDecimal(text);
        } catch (NumberFormatException e) {
            throw new JsonReadException(place + " is the number " + text + ", whose exponent is out of range", e);
        }
    }

    private JsonObject object(JsonReader reader) throws IOException {
        var object = new JsonObject();
        reader.beginObject();
        while (reader.hasNext()) {
            String name = reader.nextName();
            if (object.has(name)) {
                twice.put(object, name);
            }
            object.add(name, value(reader));
        }
        reader.endObject();
        return object;
    }
}
