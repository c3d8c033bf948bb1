package io.jllm.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.model.Limits;
import io.jllm.quant.FormatException;
import io.jllm.quant.file.FileKind;
import io.jllm.quant.file.FileKind.Wanted;
import io.jllm.quant.file.JsonComplaint;
import io.jllm.quant.file.MappedFile;
import io.jllm.spi.OutOfMemory;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A JSON object of a model folder. Getters are empty where the key is absent or null; a value of another kind is an error that
 * names file, key and value. {@code a.b} is the key b of the object a. Immutable.
 */
public final class ConfigJson {
    private static final long MAX_BYTES = 16 << 20;
    private static final int SHOWN_CHARS = 80;
    /** So many keys at most has what servers say instead of a file. */
    private static final int ANSWER_KEYS = 4;
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final String where;
    private final JsonObject object;

    private ConfigJson(String where, JsonObject object) {
        this.where = where;
        this.object = object;
    }

    /** An object that was put together elsewhere. */
    public static ConfigJson of(String where, JsonObject object) {
        return new ConfigJson(where, object);
    }

    /**
     * Parses a text.
     *
     * @param where how messages name it
     * @throws ModelLoadException if it is not a JSON object
     */
    public static ConfigJson parse(String where, String text) {
        JsonElement json;
        try {
            json = JsonParser.parseString(text);
        } catch (JsonParseException e) {
            // the parser wraps these two as if the text were wrong
            if (e.getCause() instanceof OutOfMemoryError memory) {
                throw memory;
            }
            // not as a cause: it would tell the people who see its trace how to call the parser
            throw new ModelLoadException(where + (e.getCause() instanceof StackOverflowError ? " nests objects and arrays too deeply"
                    : " is not valid JSON: " + JsonComplaint.of(e)));
        }
        if (!(json instanceof JsonObject o)) {
            throw new ModelLoadException(where + " does not hold a JSON object");
        }
        if (o.size() <= ANSWER_KEYS && o.get("error") instanceof JsonPrimitive answer && answer.isString()) {
            throw new ModelLoadException(where + " holds the answer of a server, \"" + shown(answer.getAsString())
                    + "\": download the file itself");
        }
        return new ConfigJson(where, o);
    }

    /** As {@link #read(Path, long)}, of a sensible size. */
    public static Optional<ConfigJson> read(Path file) {
        return read(file, MAX_BYTES);
    }

    /**
     * Reads a file, if it is there.
     *
     * @throws ModelLoadException if it cannot be read, or is no JSON object of that size at most, or the heap has no room for it
     */
    public static Optional<ConfigJson> read(Path file, long maxBytes) {
        try {
            MappedFile.check(file, Wanted.JSON);
            long size = Files.size(file);
            if (size > maxBytes) {
                throw new ModelLoadException(file + " has " + size + " bytes; such a file has at most " + maxBytes);
            }
            return Optional.of(parse(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw FileErrors.of(file, e);
        } catch (FormatException e) {
            throw new ModelLoadException(e.getMessage(), e);
        } catch (OutOfMemoryError e) {
            if (OutOfMemory.isHeap(e)) {
                throw FileErrors.of(file, e);
            }
            throw e;
        }
    }

    /**
     * Reads a file that only makes suggestions, as {@code generation_config.json} does: one that cannot be read is no reason not to load a
     * model, and counts as absent, with a warning.
     */
    public static Optional<ConfigJson> readSuggestions(Path file) {
        try {
            return read(file);
        } catch (ModelLoadException e) {
            LOG.log(System.Logger.Level.WARNING, e.getMessage() + ". The model is loaded without the settings that are in this file");
            return Optional.empty();
        }
    }

    private static ConfigJson parse(Path file) throws IOException {
        try {
            return parse(file.toString(), Files.readString(file));
        } catch (CharacterCodingException e) {
            throw new ModelLoadException(file + " " + FileKind.of(file, Wanted.JSON).orElse("is not UTF-8 text: download it again"), e);
        } catch (ModelLoadException e) {
            throw FileKind.of(file, Wanted.JSON).map(kind -> new ModelLoadException(file + " " + kind, e)).orElse(e);
        }
    }

    /** How messages name a key. */
    public String name(String key) {
        return where + ": " + key;
    }

    /** Whether the key is there, be it null. */
    public boolean mentions(String key) {
        return find(object, key).isPresent();
    }

    /** Whether the key is there and not null. */
    public boolean has(String key) {
        return element(key).isPresent();
    }

    /** Whether the key is there and holds an object. */
    public boolean hasObject(String key) {
        return object.get(key) instanceof JsonObject;
    }

    /** The object itself; not to be changed. */
    public JsonObject json() {
        return object;
    }

    /** Whatever the key holds; empty if it is absent or null. Not to be changed. */
    public Optional<JsonElement> value(String key) {
        return element(key);
    }

    /** A string. */
    public Optional<String> text(String key) {
        return element(key).map(e -> {
            if (e instanceof JsonPrimitive p && p.isString()) {
                return p.getAsString();
            }
            throw wrong(key, e, "a string");
        });
    }

    /** A boolean. */
    public Optional<Boolean> bool(String key) {
        return element(key).map(e -> {
            if (e instanceof JsonPrimitive p && p.isBoolean()) {
                return p.getAsBoolean();
            }
            throw wrong(key, e, "true or false");
        });
    }

    /** A number, finite or not. */
    public Optional<Double> real(String key) {
        return element(key).map(e -> number(key, e));
    }

    /** A whole number; also one that is written with a point. */
    public Optional<Long> integer(String key) {
        return element(key).map(e -> whole(key, e));
    }

    /** A whole number within a range. */
    public int integer(String key, long min, long max) {
        long value = integer(key).orElseThrow(() -> new ModelLoadException(name(key)
                + (mentions(key) ? " is null; it must be from " + min + " to " + max : " is missing")));
        return Limits.check(name(key), value, min, max);
    }

    /** One whole number or a list of them; empty if absent. */
    public List<Long> integers(String key) {
        return element(key).map(e -> e instanceof JsonArray a ? a.asList() : List.of(e)).orElse(List.of()).stream().map(x -> whole(key, x)).toList();
    }

    /** A list of numbers, finite or not; empty if absent. */
    public List<Double> reals(String key) {
        return list(key, "numbers").stream().map(x -> number(key, x)).toList();
    }

    /** A list of strings; empty if absent. */
    public List<String> texts(String key) {
        return list(key, "strings").stream().map(x -> {
            if (x instanceof JsonPrimitive p && p.isString()) {
                return p.getAsString();
            }
            throw wrong(key, x, "a list of strings");
        }).toList();
    }

    private List<JsonElement> list(String key, String of) {
        return element(key).map(e -> {
            if (e instanceof JsonArray a) {
                return a.asList();
            }
            throw wrong(key, e, "a list of " + of);
        }).orElse(List.of());
    }

    /** The same with another value of a key. */
    public ConfigJson with(String key, JsonElement value) {
        var changed = object.deepCopy();
        changed.add(key, value);
        return new ConfigJson(where, changed);
    }

    /** An object inside this one. */
    public Optional<ConfigJson> object(String key) {
        return element(key).map(e -> {
            if (e instanceof JsonObject o) {
                return new ConfigJson(name(key), o);
            }
            throw wrong(key, e, "an object");
        });
    }

    /** A list of objects; empty if absent. */
    public List<ConfigJson> objects(String key) {
        var out = new ArrayList<ConfigJson>();
        for (var x : list(key, "objects")) {
            if (!(x instanceof JsonObject o)) {
                throw wrong(key, x, "a list of objects");
            }
            out.add(new ConfigJson(name(key) + "[" + out.size() + "]", o));
        }
        return out;
    }

    /** Keys whose values are objects themselves. */
    public List<String> objectKeys() {
        return object.entrySet().stream().filter(e -> e.getValue().isJsonObject()).map(e -> e.getKey()).toList();
    }

    private Optional<JsonElement> element(String key) {
        return find(object, key).filter(e -> !e.isJsonNull());
    }

    private static Optional<JsonElement> find(JsonObject in, String key) {
        int dot = key.indexOf('.');
        return !in.has(key) && dot >= 0 && in.get(key.substring(0, dot)) instanceof JsonObject inner ? find(inner, key.substring(dot + 1))
                : Optional.ofNullable(in.get(key));
    }

    private long whole(String key, JsonElement e) {
        double d = number(key, e);
        if (d != Math.rint(d) || Math.abs(d) > 1L << 53) {
            throw wrong(key, e, "a whole number");
        }
        return (long) d;
    }

    private double number(String key, JsonElement e) {
        try {
            if (e instanceof JsonPrimitive p && p.isNumber()) {
                return p.getAsDouble();
            }
        } catch (NumberFormatException _) {
            // falls through to the message that names the key
        }
        throw wrong(key, e, "a number");
    }

    private ModelLoadException wrong(String key, JsonElement e, String wanted) {
        return new ModelLoadException(name(key) + " must be " + wanted + ", is " + shown(e.toString()));
    }

    private static String shown(String text) {
        return text.length() > SHOWN_CHARS ? text.substring(0, SHOWN_CHARS) + "..." : text;
    }
}
