package io.jllm.schema;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Makes values of shapes from JSON. Whatever does not fit is an error that names the place. */
final class ShapeReader {
    private static final int SHOWN = 60;

    private final StrictJson.Text text;

    ShapeReader(StrictJson.Text text) {
        this.text = text;
    }

    /** The whole text as a value of a shape. */
    Object read(Shape shape, String path) {
        return read(shape, text.value(), path);
    }

    /** The values of all fields of the whole text, in their order. */
    List<Object> fields(List<Shape.Field> fields, String path) {
        return fields(fields, text.value(), Set.of(), path);
    }

    private Object read(Shape shape, JsonElement json, String path) {
        return switch (shape) {
            case Shape.Bool _ -> json instanceof JsonPrimitive p && p.isBoolean() ? p.getAsBoolean() : wrong(path, json, "true or false");
            case Shape.Whole w -> number(path, json, w.convert(), "a whole number" + range(w));
            case Shape.Real r -> number(path, json, r.convert(), "a number that a " + r.type() + " can hold");
            case Shape.Text _ -> text(path, json, "a string");
            case Shape.Formed f -> formed(f, json, path);
            case Shape.Choice c -> {
                String wanted = "one of " + String.join(", ", c.byName().keySet());
                Object constant = c.byName().get(text(path, json, wanted));
                yield constant == null ? wrong(path, json, wanted) : constant;
            }
            case Shape.Row r -> r.collect().apply(row(r.element(), json, path));
            case Shape.Table t -> table(t, json, path);
            case Shape.Maybe m -> m.wrap().apply(json instanceof JsonNull ? Optional.empty() : Optional.of(read(m.value(), json, path)));
            case Shape.Product p -> make(p, fields(p.fields(), object(json, path), Set.of(), path), path);
            case Shape.Sum s -> sum(s, json, path);
        };
    }

    private static String range(Shape.Whole w) {
        return w.min().isPresent() && w.max().isPresent() ? " from " + w.min().get() + " to " + w.max().get() : "";
    }

    private static Object number(String path, JsonElement json, Function<BigDecimal, Object> convert, String wanted) {
        if (!(json instanceof JsonPrimitive p) || !p.isNumber()) {
            return wrong(path, json, wanted);
        }
        try {
            BigDecimal value = p.getAsBigDecimal();
            if (value.signum() != 0 && Math.abs((long) value.precision() - value.scale()) > StrictJson.MOST_DIGITS) {
                return wrong(path, json, wanted);
            }
            return convert.apply(value);
        } catch (ArithmeticException _) {
            return wrong(path, json, wanted);
        }
    }

    private static String text(String path, JsonElement json, String wanted) {
        if (json instanceof JsonPrimitive p && p.isString()) {
            return p.getAsString();
        }
        throw mismatch(path, json, wanted);
    }

    private static Object formed(Shape.Formed f, JsonElement json, String path) {
        String wanted = "a string that is a " + f.type() + " " + f.form();
        String text = text(path, json, wanted);
        try {
            return f.parse().apply(text);
        } catch (RuntimeException e) {
            throw new JsonReadException(path + " must be " + wanted + ", is " + shown(json) + ": " + e.getMessage(), e);
        }
    }

    private List<Object> row(Shape element, JsonElement json, String path) {
        if (!(json instanceof JsonArray array)) {
            throw mismatch(path, json, "an array");
        }
        var values = new ArrayList<Object>(array.size());
        for (int i = 0; i < array.size(); i++) {
            values.add(read(element, array.get(i), path + "[" + i + "]"));
        }
        return values;
    }

    /** Of members with one name the last counts: no grammar can keep a model from writing a name again. */
    private Object table(Shape.Table t, JsonElement json, String path) {
        var values = new LinkedHashMap<String, Object>();
        object(json, path).entrySet().forEach(e -> values.put(e.getKey(), read(t.value(), e.getValue(), path + "." + e.getKey())));
        return Collections.unmodifiableMap(values);
    }

    private static JsonObject object(JsonElement json, String path) {
        if (json instanceof JsonObject o) {
            return o;
        }
        throw mismatch(path, json, "an object");
    }

    private List<Object> fields(List<Shape.Field> fields, JsonElement json, Set<String> besides, String path) {
        JsonObject object = object(json, path);
        if (text.twice().containsKey(object)) {
            throw new JsonReadException(path + "." + text.twice().get(object) + " is there twice");
        }
        for (String name : object.keySet()) {
            if (!besides.contains(name) && fields.stream().noneMatch(f -> f.name().equals(name))) {
                throw new JsonReadException(path + "." + name + " is unknown; known are " + fields.stream().map(Shape.Field::name).toList());
            }
        }
        var values = new ArrayList<Object>(fields.size());
        for (var f : fields) {
            if (!object.has(f.name()) && f.required()) {
                throw new JsonReadException(path + "." + f.name() + " is missing");
            }
            values.add(read(f.shape(), object.has(f.name()) ? object.get(f.name()) : JsonNull.INSTANCE, path + "." + f.name()));
        }
        return values;
    }

    private static Object make(Shape.Product p, List<Object> values, String path) {
        try {
            return p.constructor().invokeWithArguments(values);
        } catch (Error e) {
            throw e;
        } catch (Throwable e) {
            throw new JsonReadException(path + " is refused by " + p.name() + ": " + (e.getMessage() == null ? e : e.getMessage()), e);
        }
    }

    private Object sum(Shape.Sum s, JsonElement json, String path) {
        JsonObject object = object(json, path);
        String wanted = "one of " + String.join(", ", s.variants().stream().map(Shape.Variant::name).toList());
        if (!object.has(Shape.Sum.TYPE)) {
            throw new JsonReadException(path + "." + Shape.Sum.TYPE + " is missing; it must be " + wanted);
        }
        String typePath = path + "." + Shape.Sum.TYPE;
        String name = text(typePath, object.get(Shape.Sum.TYPE), wanted);
        var variant = s.variants().stream().filter(v -> v.name().equals(name)).findFirst()
                .orElseThrow(() -> mismatch(typePath, object.get(Shape.Sum.TYPE), wanted));
        return make(variant.product(), fields(variant.product().fields(), object, Set.of(Shape.Sum.TYPE), path), path);
    }

    private static Object wrong(String path, JsonElement json, String wanted) {
        throw mismatch(path, json, wanted);
    }

    private static JsonReadException mismatch(String path, JsonElement json, String wanted) {
        return new JsonReadException(path + " must be " + wanted + ", is " + shown(json));
    }

    private static String shown(JsonElement json) {
        return switch (json) {
            case JsonObject _ -> "an object";
            case JsonArray _ -> "an array";
            default -> {
                String text = json.toString();
                yield text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text;
            }
        };
    }
}
