package io.jllm.jinja.json;

import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Real;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import io.jllm.quant.file.JsonComplaint;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;

/** Values out of JSON text. */
public final class JsonText {
    private static final int MAX_DEPTH = 200;

    private JsonText() {
    }

    /** The text is no JSON. */
    public static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message);
        }
    }

    /**
     * The value that a text says; all its strings are data. Of equal keys the last one counts, in the place of the first.
     *
     * @throws Malformed if it is no JSON, nests more than 200 deep, or holds a whole number past 64 bits; the message says where
     */
    public static Value parse(String text) throws Malformed {
        try (JsonReader reader = new JsonReader(new StringReader(text))) {
            reader.setStrictness(Strictness.STRICT);
            Value value = read(reader, 0);
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw new Malformed("more follows after the value");
            }
            return value;
        } catch (EOFException e) {
            throw new Malformed("the text ends in the middle");
        } catch (IOException | JsonParseException | IllegalStateException e) {
            throw new Malformed(JsonComplaint.of(e));
        }
    }

    /** A string as JSON text. */
    public static String quoted(String text) {
        return new JsonPrimitive(text).toString();
    }

    private static Value read(JsonReader in, int depth) throws IOException, Malformed {
        if (depth > MAX_DEPTH) {
            throw new Malformed("arrays and objects are nested more than " + MAX_DEPTH + " deep at " + in.getPath());
        }
        return switch (in.peek()) {
            case STRING -> Str.data(in.nextString());
            case BOOLEAN -> Bool.of(in.nextBoolean());
            case NUMBER -> number(in);
            case NULL -> {
                in.nextNull();
                yield None.NONE;
            }
            case BEGIN_ARRAY -> {
                List<Value> items = new ArrayList<>();
                in.beginArray();
                while (in.hasNext()) {
                    items.add(read(in, depth + 1));
                }
                in.endArray();
                yield new ListValue(items);
            }
            case BEGIN_OBJECT -> {
                Dict dict = new Dict();
                in.beginObject();
                while (in.hasNext()) {
                    Str key = Str.data(in.nextName());
                    dict.put(key, read(in, depth + 1));
                }
                in.endObject();
                yield dict;
            }
            case END_ARRAY, END_OBJECT, NAME, END_DOCUMENT -> throw new Malformed("a value is missing at " + in.getPath());
        };
    }

    private static Value number(JsonReader in) throws IOException, Malformed {
        String path = in.getPath();
        String digits = in.nextString();
        if (digits.chars().anyMatch(c -> c == '.' || c == 'e' || c == 'E')) {
            return new Real(Double.parseDouble(digits));
        }
        try {
            return new Int(Long.parseLong(digits));
        } catch (NumberFormatException e) {
            throw new Malformed("the whole number at " + path + " does not fit into 64 bits");
        }
    }
}
