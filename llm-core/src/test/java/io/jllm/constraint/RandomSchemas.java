package io.jllm.constraint;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Random;

/**
 * JSON schemas made at random: nested, recursive, bounded and patterned, each with a finite value. Objects and arrays nest three deep where
 * nothing refers; references lead to a list or a tree.
 */
public final class RandomSchemas {
    private static final List<String> NAMES = List.of("a", "name", "x y", "id", "é", "k\"q", "value");
    private static final List<String> PATTERNS = List.of("^[a-z]+$", "^[A-Z]{2}\\d{3}$", "[0-9]", "^(foo|bar)?-?x*$", "^\\w+ \\w+$", "é|ab",
            "^[^\"\\\\]{2,5}$", "\\.(txt|md)$", "^(\\d{1,3}\\.){3}\\d{1,3}$");
    static final List<String> FORMATS = List.of("date", "time", "date-time", "uuid", "email", "ipv4", "ipv6", "hostname", "duration",
            "uri", "json-pointer");
    private static final int LEAVES = 6;

    private final Random random;
    /** Whether strings, arrays and objects have no more parts than a number that the schema says. */
    private final boolean bounded;

    /**
     * @param bounded whether every string, array and object that is written has a bound, so that an answer is long only where it recurs
     */
    public RandomSchemas(long seed, boolean bounded) {
        random = new Random(seed);
        this.bounded = bounded;
    }

    /** The next one. */
    public String next() {
        JsonObject schema = value(3);
        JsonObject list = object(new Member("v", type("integer")), new Member("next", orNull(ref("#/$defs/list"))));
        JsonObject children = type("array");
        children.add("items", ref("#/$defs/tree"));
        children.addProperty("maxItems", 2);
        JsonObject word = type("string");
        word.addProperty("maxLength", 8);
        JsonObject definitions = new JsonObject();
        definitions.add("list", list);
        definitions.add("tree", object(new Member("label", word), new Member("children", children)));
        schema.add("$defs", definitions);
        return schema.toString();
    }

    private record Member(String name, JsonElement schema) {
    }

    private JsonObject value(int depth) {
        return switch (random.nextInt(depth <= 0 ? LEAVES : LEAVES + 6)) {
            case 0 -> type("boolean");
            case 1 -> integer();
            case 2 -> number();
            case 3 -> string();
            case 4 -> {
                JsonObject s = type("string");
                s.addProperty("format", FORMATS.get(random.nextInt(FORMATS.size())));
                if (bounded) {
                    s.addProperty("maxLength", 64);
                }
                yield s;
            }
            case 5 -> constants();
            case 6, 7 -> members(depth);
            case 8 -> items(depth);
            case 9 -> of("anyOf", array(value(depth - 1), value(depth - 1), value(0)));
            case 10 -> random.nextBoolean() ? orNull(ref("#/$defs/list")) : ref("#/$defs/tree");
            default -> {
                JsonObject both = integer();
                both.add("allOf", array(of("minimum", new JsonPrimitive(-5000)), of("maximum", new JsonPrimitive(9000))));
                yield both;
            }
        };
    }

    private JsonObject integer() {
        JsonObject s = type("integer");
        int low = random.nextInt(2000) - 1000;
        if (random.nextBoolean()) {
            s.addProperty(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
        }
        if (random.nextBoolean()) {
            s.addProperty("maximum", low + 5 + random.nextInt(5000));
        }
        if (random.nextInt(4) == 0) {
            s.addProperty("multipleOf", 1 + random.nextInt(5));
        }
        return s;
    }

    private JsonObject number() {
        JsonObject s = type("number");
        double low = (random.nextInt(2000) - 1000) / 8.0;
        if (random.nextBoolean()) {
            s.addProperty("minimum", low);
        }
        if (random.nextBoolean()) {
            s.addProperty(random.nextBoolean() ? "maximum" : "exclusiveMaximum", low + 0.5 + random.nextInt(100) / 4.0);
        }
        return s;
    }

    private JsonObject string() {
        JsonObject s = type("string");
        if (random.nextInt(3) == 0) {
            s.addProperty("pattern", PATTERNS.get(random.nextInt(PATTERNS.size())));
            s.addProperty("maxLength", 16);
            return s;
        }
        if (random.nextBoolean()) {
            s.addProperty("minLength", random.nextInt(4));
        }
        if (bounded || random.nextBoolean()) {
            s.addProperty("maxLength", 4 + random.nextInt(30));
        }
        return s;
    }

    private JsonObject constants() {
        if (random.nextBoolean()) {
            return of("enum", array(new JsonPrimitive("red"), new JsonPrimitive("gr\"een"), new JsonPrimitive(3), JsonNull.INSTANCE,
                    array(new JsonPrimitive("blü"), new JsonPrimitive(true))));
        }
        return of("const", random.nextBoolean() ? new JsonPrimitive("k\n") : new JsonPrimitive(7.25));
    }

    private JsonObject members(int depth) {
        JsonObject properties = new JsonObject();
        JsonArray required = new JsonArray();
        for (int i = 1 + random.nextInt(5); i > 0; i--) {
            String name = NAMES.get(random.nextInt(NAMES.size()));
            properties.add(name, value(depth - 1));
            if (random.nextInt(3) > 0 && !required.contains(new JsonPrimitive(name))) {
                required.add(name);
            }
        }
        JsonObject s = type("object");
        s.add("properties", properties);
        s.add("required", required);
        int others = bounded ? 0 : random.nextInt(4);
        if (others < 2) {
            s.addProperty("additionalProperties", false);
        } else if (others == 2) {
            s.add("additionalProperties", value(0));
        }
        if (!bounded && random.nextInt(5) == 0) {
            // What is named and matches has to satisfy both: the same, so that something does.
            s.add("patternProperties", of("^n", properties.has("name") ? properties.get("name") : value(0)));
        }
        if (random.nextInt(6) == 0) {
            s.addProperty("maxProperties", required.size() + 1);
        }
        return s;
    }

    private JsonObject items(int depth) {
        JsonObject s = type("array");
        s.add("items", value(depth - 1));
        if (random.nextBoolean()) {
            s.addProperty("minItems", random.nextInt(3));
        }
        if (bounded || random.nextBoolean()) {
            s.addProperty("maxItems", 3 + random.nextInt(4));
        }
        if (random.nextInt(4) == 0) {
            s.add("prefixItems", array(value(depth - 1), value(0)));
        }
        return s;
    }

    private static JsonObject object(Member... members) {
        JsonObject properties = new JsonObject();
        JsonArray required = new JsonArray();
        for (Member m : members) {
            properties.add(m.name(), m.schema());
            required.add(m.name());
        }
        JsonObject s = type("object");
        s.add("properties", properties);
        s.add("required", required);
        s.addProperty("additionalProperties", false);
        return s;
    }

    private static JsonObject orNull(JsonObject schema) {
        return of("anyOf", array(schema, type("null")));
    }

    private static JsonObject ref(String to) {
        return of("$ref", new JsonPrimitive(to));
    }

    private static JsonObject type(String name) {
        return of("type", new JsonPrimitive(name));
    }

    private static JsonObject of(String keyword, JsonElement value) {
        JsonObject s = new JsonObject();
        s.add(keyword, value);
        return s;
    }

    private static JsonArray array(JsonElement... values) {
        JsonArray a = new JsonArray();
        for (JsonElement v : values) {
            a.add(v);
        }
        return a;
    }
}
