package io.jllm.schema;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Writes shapes as JSON schemas of the draft 2020-12. Records and sealed interfaces that are used more than once are definitions. */
final class SchemaWriter {
    private final boolean bounds;
    private final Map<Shape.Named, Integer> uses = new HashMap<>();
    private final Set<Shape.Named> defined = new HashSet<>();
    private final JsonObject definitions = new JsonObject();

    private SchemaWriter(boolean bounds) {
        this.bounds = bounds;
    }

    /**
     * The schema of a type.
     *
     * @param bounds whether to say the least and the greatest of {@code int} and its like
     */
    static JsonObject of(Shape root, boolean bounds) {
        var writer = new SchemaWriter(bounds);
        writer.count(root);
        JsonObject schema = writer.schema(root);
        return writer.withDefinitions(schema);
    }

    /** The schema of an object with these fields. */
    static JsonObject of(List<Shape.Field> fields, boolean bounds) {
        var writer = new SchemaWriter(bounds);
        fields.forEach(f -> writer.count(f.shape()));
        return writer.withDefinitions(writer.object(fields, Optional.empty()));
    }

    private JsonObject withDefinitions(JsonObject schema) {
        if (!definitions.isEmpty()) {
            schema.add("$defs", definitions);
        }
        return schema;
    }

    private void count(Shape shape) {
        switch (shape) {
            case Shape.Row r -> count(r.element());
            case Shape.Table t -> count(t.value());
            case Shape.Maybe m -> count(m.value());
            case Shape.Named n -> {
                if (uses.merge(n, 1, Integer::sum) == 1) {
                    switch (n) {
                        case Shape.Product p -> p.fields().forEach(f -> count(f.shape()));
                        case Shape.Sum s -> s.variants().forEach(v -> v.product().fields().forEach(f -> count(f.shape())));
                    }
                }
            }
            case Shape.Bool _, Shape.Whole _, Shape.Real _, Shape.Text _, Shape.Formed _, Shape.Choice _ -> { }
        }
    }

    private JsonObject schema(Shape shape) {
        return switch (shape) {
            case Shape.Bool _ -> typed("boolean");
            case Shape.Real _ -> typed("number");
            case Shape.Text _ -> typed("string");
            case Shape.Whole w -> whole(w);
            case Shape.Formed f -> {
                var schema = typed("string");
                new TreeMap<>(f.form()).forEach(schema::addProperty);
                yield schema;
            }
            case Shape.Choice c -> {
                var schema = typed("string");
                var names = new JsonArray();
                c.byName().keySet().forEach(names::add);
                schema.add("enum", names);
                c.description().ifPresent(d -> schema.addProperty("description", d));
                yield schema;
            }
            case Shape.Row r -> {
                var schema = typed("array");
                schema.add("items", schema(r.element()));
                yield schema;
            }
            case Shape.Table t -> {
                var schema = typed("object");
                schema.add("additionalProperties", schema(t.value()));
                yield schema;
            }
            case Shape.Maybe m -> {
                var choices = new JsonArray();
                choices.add(schema(m.value()));
                choices.add(typed("null"));
                var schema = new JsonObject();
                schema.add("anyOf", choices);
                yield schema;
            }
            case Shape.Named n -> uses.get(n) > 1 ? reference(n) : definition(n);
        };
    }

    private JsonObject whole(Shape.Whole w) {
        var schema = typed("integer");
        if (bounds) {
            w.min().ifPresent(min -> schema.addProperty("minimum", min));
            w.max().ifPresent(max -> schema.addProperty("maximum", max));
        }
        return schema;
    }

    private static JsonObject typed(String type) {
        var schema = new JsonObject();
        schema.addProperty("type", type);
        return schema;
    }

    private JsonObject reference(Shape.Named n) {
        if (defined.add(n)) {
            definitions.add(n.name(), new JsonObject()); // in the order of first use
            definitions.add(n.name(), definition(n));
        }
        var schema = new JsonObject();
        schema.addProperty("$ref", "#/$defs/" + n.name());
        return schema;
    }

    private JsonObject definition(Shape.Named n) {
        return switch (n) {
            case Shape.Product p -> object(p.fields(), p.description());
            case Shape.Sum s -> {
                var schema = new JsonObject();
                s.description().ifPresent(d -> schema.addProperty("description", d));
                var choices = new JsonArray();
                for (var v : s.variants()) {
                    choices.add(variant(v));
                }
                schema.add("anyOf", choices);
                yield schema;
            }
        };
    }

    private JsonObject variant(Shape.Variant v) {
        var own = object(v.product().fields(), v.product().description());
        var constant = new JsonObject();
        constant.add("const", new JsonPrimitive(v.name()));
        var properties = new JsonObject();
        properties.add(Shape.Sum.TYPE, constant);
        own.getAsJsonObject("properties").entrySet().forEach(e -> properties.add(e.getKey(), e.getValue()));
        own.add("properties", properties);
        var required = new JsonArray();
        required.add(Shape.Sum.TYPE);
        required.addAll(own.getAsJsonArray("required"));
        own.add("required", required);
        return own;
    }

    private JsonObject object(List<Shape.Field> fields, Optional<String> description) {
        var schema = typed("object");
        description.ifPresent(d -> schema.addProperty("description", d));
        var properties = new JsonObject();
        var required = new JsonArray();
        for (var f : fields) {
            var property = schema(f.shape() instanceof Shape.Maybe m ? m.value() : f.shape());
            f.description().ifPresent(d -> property.addProperty("description", d));
            properties.add(f.name(), property);
            if (f.required()) {
                required.add(f.name());
            }
        }
        schema.add("properties", properties);
        schema.add("required", required);
        schema.addProperty("additionalProperties", false);
        return schema;
    }
}
