package io.jllm.schema;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.Map;

/** Writes values of shapes as JSON. */
final class ShapeWriter {
    private ShapeWriter() {
    }

    static JsonElement write(Shape shape, Object value, String path, int depth) {
        if (depth > StrictJson.DEEPEST) {
            throw new IllegalArgumentException(path.substring(0, 40) + "... is nested more than " + StrictJson.DEEPEST + " deep");
        }
        if (value == null) {
            throw new NullPointerException(path + " is null: use Optional for what may be absent");
        }
        return switch (shape) {
            case Shape.Bool _ -> new JsonPrimitive((Boolean) value);
            case Shape.Whole _ -> new JsonPrimitive((Number) value);
            case Shape.Real _ -> real((Number) value, path);
            case Shape.Text _ -> new JsonPrimitive((String) value);
            case Shape.Formed _ -> new JsonPrimitive(value.toString());
            case Shape.Choice c -> new JsonPrimitive(c.nameOf(value));
            case Shape.Row r -> {
                var array = new JsonArray();
                for (Object element : r.spread().apply(value)) {
                    array.add(write(r.element(), element, path + "[" + array.size() + "]", depth + 1));
                }
                yield array;
            }
            case Shape.Table t -> {
                var object = new JsonObject();
                ((Map<?, ?>) value).forEach((k, v) -> object.add((String) k, write(t.value(), v, path + "." + k, depth + 1)));
                yield object;
            }
            case Shape.Maybe m -> m.unwrap().apply(value).map(v -> write(m.value(), v, path, depth)).orElse(JsonNull.INSTANCE);
            case Shape.Product p -> fields(p, value, new JsonObject(), path, depth);
            case Shape.Sum s -> {
                var variant = s.variants().stream().filter(v -> v.type() == value.getClass()).findFirst().orElseThrow();
                var object = new JsonObject();
                object.addProperty(Shape.Sum.TYPE, variant.name());
                yield fields(variant.product(), value, object, path, depth);
            }
        };
    }

    private static JsonPrimitive real(Number value, String path) {
        if (!Double.isFinite(value.doubleValue()) && (value instanceof Double || value instanceof Float)) {
            throw new IllegalArgumentException(path + " is " + value + ", which JSON cannot say");
        }
        return new JsonPrimitive(value);
    }

    private static JsonObject fields(Shape.Product p, Object value, JsonObject into, String path, int depth) {
        for (var f : p.fields()) {
            try {
                JsonElement json = write(f.shape(), f.accessor().orElseThrow().invoke(value), path + "." + f.name(), depth + 1);
                if (f.required() || !(json instanceof JsonNull)) {
                    into.add(f.name(), json);
                }
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(path + "." + f.name() + " cannot be read of its record", e);
            }
        }
        return into;
    }
}
