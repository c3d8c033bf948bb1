package io.jllm.langchain4j;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonAnyOfSchema;
import dev.langchain4j.model.chat.request.json.JsonArraySchema;
import dev.langchain4j.model.chat.request.json.JsonBooleanSchema;
import dev.langchain4j.model.chat.request.json.JsonEnumSchema;
import dev.langchain4j.model.chat.request.json.JsonIntegerSchema;
import dev.langchain4j.model.chat.request.json.JsonNullSchema;
import dev.langchain4j.model.chat.request.json.JsonNumberSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonReferenceSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.request.json.JsonStringSchema;
import io.jllm.chat.Tool;
import io.jllm.constraint.Constraint;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * LangChain4j's schemas as JSON, and the constraints that they are. An object that names properties and does not say whether others may come is
 * closed: nothing that binds an answer should let a model invent members. One without properties, as maps have it, is open.
 *
 * <p>The last constraints are remembered, with what was found out about their grammars. Safe for all threads.
 */
final class Schemas {
    private static final int KEPT = 32;
    private static final String NO_PARAMETERS = "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}";

    private final Map<String, Constraint> recent = new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Constraint> eldest) {
            return size() > KEPT;
        }
    };

    /**
     * What a format binds an answer to, if it does.
     *
     * @throws InvalidRequestException if its schema is not supported; the message says what and where
     */
    Optional<Constraint> constraint(ResponseFormat format) {
        if (format.type() == ResponseFormatType.TEXT) {
            return Optional.empty();
        }
        return Optional.of(format.jsonSchema() == null ? Constraint.jsonObject() : ofSchema(text(format.jsonSchema().rootElement())));
    }

    private Constraint ofSchema(String schema) {
        synchronized (recent) {
            Constraint known = recent.get(schema);
            if (known != null) {
                return known;
            }
        }
        Constraint made;
        try {
            made = Constraint.jsonSchema(schema);
        } catch (IllegalArgumentException e) {
            throw new InvalidRequestException("responseFormat: " + e.getMessage(), e);
        }
        synchronized (recent) {
            recent.put(schema, made);
        }
        return made;
    }

    /** A tool as the library knows it. */
    static Tool tool(ToolSpecification specification) {
        String description = specification.description() == null ? "" : specification.description();
        return new Tool(specification.name(), description, specification.parameters() == null ? NO_PARAMETERS : text(specification.parameters()));
    }

    /** The JSON text of a schema. */
    static String text(JsonSchemaElement schema) {
        return json(schema).toString();
    }

    private static JsonElement json(JsonSchemaElement schema) {
        return switch (schema) {
            case JsonObjectSchema object -> object(object);
            case JsonArraySchema array -> {
                JsonObject json = typed("array", array.description());
                if (array.items() != null) {
                    json.add("items", json(array.items()));
                }
                yield json;
            }
            case JsonEnumSchema values -> {
                JsonObject json = typed("string", values.description());
                var all = new JsonArray();
                values.enumValues().forEach(all::add);
                json.add("enum", all);
                yield json;
            }
            case JsonAnyOfSchema options -> {
                JsonObject json = described(options.description());
                var all = new JsonArray();
                options.anyOf().forEach(option -> all.add(json(option)));
                json.add("anyOf", all);
                yield json;
            }
            case JsonReferenceSchema reference -> {
                JsonObject json = described(reference.description());
                json.addProperty("$ref", "#/$defs/" + reference.reference());
                yield json;
            }
            case JsonRawSchema raw -> raw(raw.schema());
            case JsonStringSchema text -> typed("string", text.description());
            case JsonIntegerSchema number -> typed("integer", number.description());
            case JsonNumberSchema number -> typed("number", number.description());
            case JsonBooleanSchema flag -> typed("boolean", flag.description());
            case JsonNullSchema nothing -> typed("null", nothing.description());
            default -> throw new UnsupportedFeatureException("schemas of the class " + schema.getClass().getName()
                    + " are not supported: write it as a JsonRawSchema");
        };
    }

    private static JsonObject object(JsonObjectSchema object) {
        JsonObject json = typed("object", object.description());
        json.add("properties", members(object.properties()));
        if (!object.required().isEmpty()) {
            var required = new JsonArray();
            object.required().forEach(required::add);
            json.add("required", required);
        }
        boolean open = object.additionalProperties() == null ? object.properties().isEmpty() : object.additionalProperties();
        if (!open) {
            json.addProperty("additionalProperties", false);
        }
        if (!object.definitions().isEmpty()) {
            json.add("$defs", members(object.definitions()));
        }
        return json;
    }

    private static JsonObject members(Map<String, JsonSchemaElement> members) {
        var json = new JsonObject();
        members.forEach((name, element) -> json.add(name, json(element)));
        return json;
    }

    private static JsonElement raw(String schema) {
        try {
            return JsonParser.parseString(schema);
        } catch (JsonParseException e) {
            throw new InvalidRequestException("a JsonRawSchema is no JSON: " + e.getMessage(), e);
        }
    }

    private static JsonObject typed(String type, String description) {
        var json = new JsonObject();
        json.add("type", new JsonPrimitive(type));
        described(description).asMap().forEach(json::add);
        return json;
    }

    private static JsonObject described(String description) {
        var json = new JsonObject();
        if (description != null) {
            json.addProperty("description", description);
        }
        return json;
    }
}
