package io.jllm.grammar.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.StringReader;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** A JSON schema, checked: what each keyword holds, and that each is one that we know. Finds what references mean. */
final class SchemaDocument {
    /** Keywords that say nothing about a value. */
    private static final Set<String> NOTES = Set.of("$comment", "$defs", "definitions", "title", "description",
            "default", "examples", "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "contentSchema", "$vocabulary");
    private static final Set<String> NUMBERS = Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf");
    private static final Set<String> COUNTS = Set.of("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties");
    private static final Set<String> SCHEMAS = Set.of("additionalProperties", "propertyNames", "items");
    private static final Set<String> SCHEMAS_BY_NAME = Set.of("properties", "patternProperties", "$defs", "definitions");
    private static final Set<String> LISTS_OF_SCHEMAS = Set.of("allOf", "anyOf", "oneOf", "prefixItems");
    private static final Set<String> TYPES = Set.of("null", "boolean", "integer", "number", "string", "array", "object");
    private static final int MAX_DEPTH = 200;

    private final Schema root;
    private final Map<String, Schema> anchors = new HashMap<>();

    /** @throws IllegalArgumentException if it is no JSON, no schema, or has a keyword that is not supported: the message says where */
    SchemaDocument(String json) {
        root = new Schema("#", parse(json));
        check(root, 0);
    }

    Schema root() {
        return root;
    }

    private static JsonElement parse(String json) {
        JsonReader reader = new JsonReader(new StringReader(json));
        reader.setStrictness(Strictness.STRICT);
        try {
            JsonElement value = JsonParser.parseReader(reader);
            if (reader.peek() != com.google.gson.stream.JsonToken.END_DOCUMENT) {
                throw new IllegalArgumentException("JSON schema: more text after the schema, at " + reader.getPath());
            }
            return value;
        } catch (JsonParseException | IOException | NumberFormatException e) {
            throw new IllegalArgumentException("JSON schema: not JSON: " + e.getMessage(), e);
        } catch (StackOverflowError e) {
            throw new IllegalArgumentException("JSON schema: nested too deep", e);
        }
    }

    private void check(Schema s, int depth) {
        if (depth > MAX_DEPTH) {
            throw s.refused("the schema", "is nested deeper than " + MAX_DEPTH);
        }
        if (s.value().isJsonPrimitive() && s.value().getAsJsonPrimitive().isBoolean()) {
            return;
        }
        if (!s.value().isJsonObject()) {
            throw s.refused("a schema", "must be an object, true or false");
        }
        for (String keyword : s.object().keySet()) {
            check(s, keyword, depth);
        }
    }

    private void check(Schema s, String keyword, int depth) {
        JsonElement value = s.get(keyword);
        if (SCHEMAS.contains(keyword)) {
            check(s.child(keyword), depth + 1);
        } else if (SCHEMAS_BY_NAME.contains(keyword)) {
            checkObject(s, keyword).keySet().forEach(name -> check(s.child(keyword, name), depth + 1));
        } else if (LISTS_OF_SCHEMAS.contains(keyword)) {
            int size = checkArray(s, keyword).size();
            for (int i = 0; i < size; i++) {
                check(s.child(keyword, i), depth + 1);
            }
        } else if (NUMBERS.contains(keyword)) {
            require(isNumber(value), s, keyword, "must be a number");
        } else if (COUNTS.contains(keyword)) {
            require(isNumber(value) && value.getAsBigDecimal().signum() >= 0 && value.getAsBigDecimal().stripTrailingZeros().scale() <= 0
                    && value.getAsBigDecimal().precision() - value.getAsBigDecimal().scale() <= 9, s, keyword,
                    "must be an integer from 0 to 10^9 - 1");
        } else {
            checkOther(s, keyword, value, depth);
        }
    }

    private void checkOther(Schema s, String keyword, JsonElement value, int depth) {
        switch (keyword) {
            case "type" -> {
                for (JsonElement t : value.isJsonArray() ? value.getAsJsonArray() : arrayOf(value)) {
                    require(isString(t) && TYPES.contains(t.getAsString()), s, keyword, "must be of " + TYPES.stream().sorted().toList());
                }
            }
            case "enum" -> require(value.isJsonArray(), s, keyword, "must be an array");
            case "const" -> { }
            case "required" -> checkArray(s, keyword).forEach(n -> require(isString(n), s, keyword, "must hold names"));
            case "pattern", "format", "$ref" -> require(isString(value), s, keyword, "must be a string");
            case "uniqueItems" -> require(!value.getAsBoolean(), s, keyword, "is not supported; leave it out and check the answer yourself");
            case "unevaluatedProperties", "unevaluatedItems" -> require(value.equals(new JsonPrimitive(true)), s, keyword,
                    "is not supported; use additionalProperties or items in each schema");
            case "$schema" -> require(isString(value) && value.getAsString().contains("json-schema.org/"), s, keyword,
                    "is of another dialect; draft 2020-12 is supported");
            case "$anchor" -> anchors.put(value.getAsString(), s);
            case "$id" -> require(s.path().equals("#"), s, keyword, "inside a schema is not supported; put the inner schema under $defs");
            default -> require(NOTES.contains(keyword) || keyword.startsWith("x-"), s, keyword, switch (keyword) {
                case "not", "if", "then", "else", "dependentSchemas", "dependentRequired", "dependencies" -> "is not supported; say with anyOf what"
                        + " is allowed";
                case "contains", "minContains", "maxContains" -> "is not supported; use prefixItems or items";
                case "additionalItems" -> "is of an older draft: use prefixItems and items";
                case "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor" -> "is not supported; use $ref";
                case "nullable" -> "is OpenAPI's: use \"type\": [..., \"null\"]";
                default -> "is not a keyword that is known";
            });
        }
    }

    private static JsonArray arrayOf(JsonElement value) {
        var array = new JsonArray();
        array.add(value);
        return array;
    }

    private static JsonObject checkObject(Schema s, String keyword) {
        require(s.get(keyword).isJsonObject(), s, keyword, "must be an object");
        return s.get(keyword).getAsJsonObject();
    }

    private static JsonArray checkArray(Schema s, String keyword) {
        require(s.get(keyword).isJsonArray(), s, keyword, "must be an array");
        return s.get(keyword).getAsJsonArray();
    }

    private static void require(boolean ok, Schema s, String keyword, String what) {
        if (!ok) {
            throw s.refused(keyword, what);
        }
    }

    private static boolean isString(JsonElement e) {
        return e.isJsonPrimitive() && e.getAsJsonPrimitive().isString();
    }

    private static boolean isNumber(JsonElement e) {
        return e.isJsonPrimitive() && e.getAsJsonPrimitive().isNumber();
    }

    /** The schema that a {@code $ref} means. */
    Schema target(Schema s) {
        String ref = s.get("$ref").getAsString();
        String id = root.has("$id") ? root.get("$id").getAsString() : "";
        String inside = !id.isEmpty() && ref.startsWith(id) ? ref.substring(id.length()) : ref;
        if (inside.isEmpty() || inside.equals("#")) {
            return root;
        }
        if (inside.startsWith("#/")) {
            return pointed(s, inside);
        }
        if (inside.startsWith("#") && anchors.containsKey(inside.substring(1))) {
            return anchors.get(inside.substring(1));
        }
        throw s.refused("$ref " + ref, "leads nowhere: only places in the same document can be meant, as #/$defs/name");
    }

    private Schema pointed(Schema from, String ref) {
        JsonElement at = root.value();
        StringBuilder path = new StringBuilder("#");
        for (String part : ref.substring(2).split("/", -1)) {
            String name = URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8).replace("~1", "/").replace("~0", "~");
            path.append('/').append(name.replace("~", "~0").replace("/", "~1"));
            if (at.isJsonObject() && at.getAsJsonObject().has(name)) {
                at = at.getAsJsonObject().get(name);
            } else if (at.isJsonArray() && name.matches("[0-9]{1,9}") && Integer.parseInt(name) < at.getAsJsonArray().size()) {
                at = at.getAsJsonArray().get(Integer.parseInt(name));
            } else {
                throw from.refused("$ref " + ref, "leads nowhere: there is nothing at " + path);
            }
        }
        Schema target = new Schema(path.toString(), at);
        check(target, 0); // it may lie where no schema is expected
        return target;
    }
}
