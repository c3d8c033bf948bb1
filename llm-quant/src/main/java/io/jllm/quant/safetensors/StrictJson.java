package io.jllm.quant.safetensors;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.jllm.quant.FormatException;
import io.jllm.quant.file.JsonComplaint;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * Reads JSON of untrusted files as a stream, so that nothing is built but what is asked for, and turns a parser's complaints into
 * {@link FormatException}s. Gson's reader refuses nesting deeper than 255.
 */
final class StrictJson {
    private StrictJson() {
    }

    /** Reads one thing from a JSON text. */
    @FunctionalInterface
    interface Body<T> {
        T read(JsonReader json) throws IOException;
    }

    /** Reads one value and checks that nothing but white space follows. */
    static <T> T read(InputStream in, String file, String place, Body<T> body) {
        try (var json = new JsonReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            json.setStrictness(Strictness.STRICT);
            T value = body.read(json);
            if (json.peek() != JsonToken.END_DOCUMENT) {
                throw new FormatException(file, place, "has more after the end of its JSON");
            }
            return value;
        } catch (IOException | IllegalStateException | NumberFormatException e) {
            // not as a cause: it would tell the people who see its trace how to call the parser
            throw new FormatException(file, place, "is not the JSON that it should be: " + JsonComplaint.of(e));
        }
    }

    /** A whole number from 0 on; a string of digits is none. */
    static long count(JsonReader json) throws IOException {
        if (json.peek() != JsonToken.NUMBER) {
            throw new IllegalStateException("a number is wanted at " + json.getPath() + ", not " + json.peek());
        }
        long n = json.nextLong();
        if (n < 0) {
            throw new IllegalStateException(n + " at " + json.getPath() + " must not be negative");
        }
        return n;
    }

    /** A string; a number is none. */
    static String string(JsonReader json) throws IOException {
        if (json.peek() != JsonToken.STRING) {
            throw new IllegalStateException("a string is wanted at " + json.getPath() + ", not " + json.peek());
        }
        return json.nextString();
    }
}
