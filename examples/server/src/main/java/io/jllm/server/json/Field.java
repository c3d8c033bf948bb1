package io.jllm.server.json;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A place in the body of a request. {@code null} counts as missing, as clients send it for what they do not set. Immutable.
 *
 * <p>What is read as something that it is not is a {@link BadField}.
 */
public final class Field {
    private static final int SHOWN = 60;

    private final String name;
    private final JsonElement json;

    private Field(String name, JsonElement json) {
        this.name = name;
        this.json = json;
    }

    /**
     * The body of a request: a JSON object in UTF-8, nested at most 255 deep.
     *
     * @throws BadField if it is none
     */
    public static Field body(byte[] bytes) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            var reader = new JsonReader(new StringReader(text));
            reader.setStrictness(Strictness.STRICT);
            JsonElement parsed = JsonParser.parseReader(reader);
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw new BadField("", "the body has more behind its JSON object");
            }
            if (!parsed.isJsonObject()) {
                throw new BadField("", "the body must be a JSON object, is " + shown(parsed));
            }
            return new Field("", parsed);
        } catch (CharacterCodingException _) {
            throw new BadField("", "the body is not UTF-8");
        } catch (JsonParseException | IOException e) {
            throw new BadField("", "the body is no JSON: " + firstLine(e.getMessage()));
        }
    }

    private static String firstLine(String message) {
        return message == null ? "it is cut off" : message.lines().findFirst().orElse("").replaceFirst("^[\\w.$]+Exception: ", "");
    }

    /** The member of that name; missing if there is none, or this is missing itself. */
    public Field get(String key) {
        String path = name.isEmpty() ? key : name + "." + key;
        if (isMissing()) {
            return new Field(path, JsonNull.INSTANCE);
        }
        JsonElement member = object().get(key);
        return new Field(path, member == null ? JsonNull.INSTANCE : member);
    }

    /** The first of these members that is there; the first of all if none is. */
    public Field either(String... keys) {
        for (String key : keys) {
            Field member = get(key);
            if (!member.isMissing()) {
                return member;
            }
        }
        return get(keys[0]);
    }

    /** The way to it, such as {@code messages[0].content}. */
    public String name() {
        return name;
    }

    public boolean isMissing() {
        return json.isJsonNull();
    }

    public boolean isText() {
        return json instanceof JsonPrimitive p && p.isString();
    }

    public boolean isNumber() {
        return json instanceof JsonPrimitive p && p.isNumber();
    }

    public boolean isList() {
        return json.isJsonArray();
    }

    public boolean isObject() {
        return json.isJsonObject();
    }

    /** The JSON that stands there. */
    public JsonElement json() {
        return json;
    }

    private JsonObject object() {
        if (!json.isJsonObject()) {
            throw wrong("an object");
        }
        return json.getAsJsonObject();
    }

    /** The names of the members; none if it is missing. */
    public Set<String> keys() {
        return isMissing() ? Set.of() : object().keySet();
    }

    /** The text; it must be there. */
    public String text() {
        if (!isText()) {
            throw wrong("a string");
        }
        return json.getAsString();
    }

    public Optional<String> optionalText() {
        return isMissing() ? Optional.empty() : Optional.of(text());
    }

    /** One of these texts. */
    public Optional<String> oneOf(String... allowed) {
        Optional<String> text = optionalText();
        if (text.isPresent() && !List.of(allowed).contains(text.get())) {
            throw wrong("one of " + String.join(", ", allowed));
        }
        return text;
    }

    public Optional<Boolean> flag() {
        if (isMissing()) {
            return Optional.empty();
        }
        if (!(json instanceof JsonPrimitive p && p.isBoolean())) {
            throw wrong("true or false");
        }
        return Optional.of(p.getAsBoolean());
    }

    /** True if it is there and true. */
    public boolean isTrue() {
        return flag().orElse(false);
    }

    /** A number in a range, ends included. */
    public OptionalDouble number(double least, double most) {
        if (isMissing()) {
            return OptionalDouble.empty();
        }
        String range = "a number in " + plain(least) + " to " + plain(most);
        if (!isNumber()) {
            throw wrong(range);
        }
        double value = Double.parseDouble(json.getAsString());
        if (!(value >= least && value <= most)) {
            throw wrong(range);
        }
        return OptionalDouble.of(value);
    }

    private static String plain(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value) : Double.toString(value);
    }

    /** A whole number in a range, ends included. */
    public OptionalLong whole(long least, long most) {
        if (isMissing()) {
            return OptionalLong.empty();
        }
        String range = "a whole number in " + least + " to " + most;
        if (!isNumber()) {
            throw wrong(range);
        }
        long value;
        try {
            value = Long.parseLong(json.getAsString());
        } catch (NumberFormatException _) {
            double inexact = Double.parseDouble(json.getAsString()); // as 1.0 and 1e3
            if (inexact != Math.rint(inexact) || Math.abs(inexact) >= 1L << 53) {
                throw wrong(range);
            }
            value = (long) inexact;
        }
        if (value < least || value > most) {
            throw wrong(range);
        }
        return OptionalLong.of(value);
    }

    /** A whole number in a range, ends included. */
    public OptionalInt integer(int least, int most) {
        OptionalLong value = whole(least, most);
        return value.isPresent() ? OptionalInt.of((int) value.getAsLong()) : OptionalInt.empty();
    }

    /** The elements of an array; none if it is missing. */
    public List<Field> list() {
        if (isMissing()) {
            return List.of();
        }
        if (!json.isJsonArray()) {
            throw wrong("an array");
        }
        List<Field> fields = new ArrayList<>();
        for (JsonElement e : json.getAsJsonArray()) {
            fields.add(new Field(name + "[" + fields.size() + "]", e));
        }
        return fields;
    }

    /** What to throw where something else must stand here. */
    public BadField wrong(String expected) {
        return new BadField(name, (name.isEmpty() ? "the body" : name) + " must be " + expected + ", is " + (isMissing() ? "missing" : shown(json)));
    }

    /** What to throw where the server does not support what stands here. */
    public BadField unsupported(String instead) {
        return new BadField(name, name + " is not supported" + (isMissing() ? "" : ", and is " + shown(json)) + "; " + instead);
    }

    private static String shown(JsonElement json) {
        String text = Json.text(json);
        return text.codePointCount(0, text.length()) <= SHOWN ? text : text.substring(0, text.offsetByCodePoints(0, SHOWN)) + "...";
    }
}
