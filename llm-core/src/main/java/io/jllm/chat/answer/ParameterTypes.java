package io.jllm.chat.answer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.jllm.chat.Tool;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the schemas of tools say of their parameters: for syntaxes that write a string as it is, without quotes, so that {@code 5} may be a
 * number or a string. A parameter that no schema tells of is a string.
 */
final class ParameterTypes {
    private static final int DEEPEST = 16;

    private final Map<String, JsonObject> tools = new HashMap<>();

    ParameterTypes(List<Tool> tools) {
        for (Tool tool : tools) {
            try {
                if (JsonParser.parseString(tool.parameters()) instanceof JsonObject schema) {
                    this.tools.put(tool.name(), schema);
                }
            } catch (JsonParseException _) {
                // the template writes what the application gave; without a schema all is text
            }
        }
    }

    Set<String> names() {
        return tools.keySet();
    }

    /** The value of a parameter as JSON: what the text says, if it is of a type that the schema allows, else a string. */
    String json(String tool, String parameter, String text) {
        var types = types(tool, parameter);
        boolean other = types.contains("null") && text.strip().equals("null") || hasOtherThanText(types) && JsonValue.isWhole(text)
                && !(types.contains("string") && text.strip().startsWith("\""));
        return other ? text.strip() : python(types, text) ? text.strip().toLowerCase(java.util.Locale.ROOT) : "\"" + JsonValue.escape(text) + "\"";
    }

    private static boolean python(Set<String> types, String text) {
        return types.contains("boolean") && !types.contains("string") && (text.strip().equals("True") || text.strip().equals("False"));
    }

    private static boolean hasOtherThanText(Set<String> types) {
        return types.stream().anyMatch(t -> !t.equals("string") && !t.equals("null"));
    }

    /** Whether a parameter can be nothing but a string. */
    boolean isText(String tool, String parameter) {
        return types(tool, parameter).equals(Set.of("string"));
    }

    Set<String> types(String tool, String parameter) {
        var schema = tools.get(tool);
        var found = new HashSet<String>();
        if (schema != null && schema.get("properties") instanceof JsonObject properties && properties.has(parameter)) {
            collect(schema, properties.get(parameter), found, 0);
        }
        return found.isEmpty() ? Set.of("string") : found;
    }

    private static void collect(JsonObject root, JsonElement element, Set<String> found, int depth) {
        if (depth > DEEPEST || !(element instanceof JsonObject schema)) {
            return;
        }
        for (JsonElement type : list(schema.get("type"))) {
            if (type instanceof JsonPrimitive p && p.isString()) {
                found.add(p.getAsString());
            }
        }
        for (String key : List.of("anyOf", "oneOf", "allOf")) {
            list(schema.get(key)).forEach(e -> collect(root, e, found, depth + 1));
        }
        if (schema.get("$ref") instanceof JsonPrimitive p && p.getAsString().startsWith("#/")) {
            JsonElement target = root;
            for (String name : p.getAsString().substring(2).split("/")) {
                target = target instanceof JsonObject o ? o.get(name.replace("~1", "/").replace("~0", "~")) : null;
            }
            collect(root, target, found, depth + 1);
        }
        if (!schema.has("type")) {
            list(schema.get("enum")).forEach(e -> found.add(typeOf(e)));
            if (schema.has("const")) {
                found.add(typeOf(schema.get("const")));
            }
            if (schema.has("properties")) {
                found.add("object");
            }
        }
    }

    private static List<JsonElement> list(JsonElement element) {
        return element instanceof JsonArray a ? a.asList() : element == null ? List.of() : List.of(element);
    }

    private static String typeOf(JsonElement value) {
        return switch (value) {
            case JsonPrimitive p when p.isString() -> "string";
            case JsonPrimitive p when p.isBoolean() -> "boolean";
            case JsonPrimitive _ -> "number";
            case JsonArray _ -> "array";
            case JsonObject _ -> "object";
            default -> "null";
        };
    }
}
