package io.jllm.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.json.JsonAnyOfSchema;
import dev.langchain4j.model.chat.request.json.JsonArraySchema;
import dev.langchain4j.model.chat.request.json.JsonNullSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonReferenceSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.request.json.JsonStringSchema;
import io.jllm.constraint.Constraint;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SchemasTest {
    private static void assertJson(String json, JsonSchemaElement schema) {
        assertEquals(JsonParser.parseString(json), JsonParser.parseString(Schemas.text(schema)));
    }

    @Test
    void everyElementIsWritten() {
        JsonReferenceSchema node = JsonReferenceSchema.builder().reference("node").build();
        var schema = JsonObjectSchema.builder().description("all").addStringProperty("s", "a text").addIntegerProperty("i").addNumberProperty("n")
                .addBooleanProperty("b").addEnumProperty("e", List.of("x", "y")).addProperty("a", JsonArraySchema.builder().items(node).build())
                .addProperty("o", JsonAnyOfSchema.builder().anyOf(new JsonNullSchema(), JsonRawSchema.from("{\"const\": 1}")).build())
                .addProperty("any", JsonArraySchema.builder().build()).addProperty("map", JsonObjectSchema.builder().build())
                .required("s", "i").definitions(Map.of("node", JsonObjectSchema.builder().addProperty("next", node).build())).build();
        assertJson("""
                {"type": "object", "description": "all", "properties": {"s": {"type": "string", "description": "a text"}, "i": {"type": "integer"},
                "n": {"type": "number"}, "b": {"type": "boolean"}, "e": {"type": "string", "enum": ["x", "y"]},
                "a": {"type": "array", "items": {"$ref": "#/$defs/node"}}, "o": {"anyOf": [{"type": "null"}, {"const": 1}]}, "any": {"type": "array"},
                "map": {"type": "object", "properties": {}}}, "required": ["s", "i"], "additionalProperties": false,
                "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "additionalProperties": false}}}""", schema);
        Constraint bound = Constraint.jsonSchema(Schemas.text(schema));
        assertTrue(bound.accepts("{\"s\": \"t\", \"i\": 1, \"e\": \"y\", \"a\": [{\"next\": {\"next\": {}}}], \"o\": null, "
                + "\"any\": [1, \"2\"], \"map\": {\"k\": 3}}"));
        assertFalse(bound.accepts("{\"s\": \"t\", \"i\": 1, \"z\": 2}"));
    }

    @Test
    void whetherOthersMayComeIsKept() {
        assertJson("{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\"}}}",
                JsonObjectSchema.builder().addProperty("a", new JsonStringSchema()).additionalProperties(true).build());
        assertJson("{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}",
                JsonObjectSchema.builder().additionalProperties(false).build());
        assertEquals("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}",
                Schemas.tool(ToolSpecification.builder().name("now").build()).parameters());
    }

    @Test
    void whatIsNoSchemaIsRefused() {
        assertThrows(InvalidRequestException.class, () -> Schemas.text(JsonRawSchema.from("{")));
        assertTrue(assertThrows(UnsupportedFeatureException.class, () -> Schemas.text(() -> "mine")).getMessage().contains("JsonRawSchema"));
    }

    @Test
    void formatsBind() {
        var schemas = new Schemas();
        assertTrue(schemas.constraint(ResponseFormat.TEXT).isEmpty());
        Constraint json = schemas.constraint(ResponseFormat.JSON).orElseThrow();
        assertTrue(json.accepts("{\"a\": [1]}") && !json.accepts("[1]") && !json.accepts("Berlin"));
    }
}
