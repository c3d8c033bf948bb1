package io.jllm.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * Schemas of the kinds that applications have: issues, pods, invoices, maps, calendars, answers of models. Each takes a valid value and no invalid
 * one, as a validator that others wrote says too, or is refused by the name of what is not supported.
 */
class PublicSchemasTest {
    private static final int SCHEMAS = 116;
    private static final int REFUSED = 13;

    private static List<JsonObject> cases() throws IOException {
        try (var in = new InputStreamReader(Objects.requireNonNull(PublicSchemasTest.class.getResourceAsStream("public-schemas.json")),
                StandardCharsets.UTF_8)) {
            return JsonParser.parseReader(in).getAsJsonArray().asList().stream().map(JsonElement::getAsJsonObject).toList();
        }
    }

    @Test
    void eachIsKeptOrRefusedByName() throws IOException {
        var wrong = new ArrayList<String>();
        int refused = 0;
        int invalid = 0;
        for (JsonObject c : cases()) {
            String name = c.get("name").getAsString();
            String schema = c.get("schema").toString();
            if (c.has("refused")) {
                String said = assertThrows(IllegalArgumentException.class, () -> Constraint.jsonSchema(schema), name).getMessage();
                assertTrue(said.contains(c.get("refused").getAsString()), said);
                refused++;
                continue;
            }
            Constraint constraint = Constraint.jsonSchema(schema);
            var oracle = new SchemaOracle(schema);
            String valid = c.get("valid").toString();
            assertEquals("", oracle.complaint(valid), name);
            if (!constraint.accepts(valid)) {
                wrong.add(name + " does not take " + valid);
            }
            for (JsonElement bad : c.get("invalid").getAsJsonArray()) {
                invalid++;
                assertNotEquals("", oracle.complaint(bad.toString()), () -> name + ": " + bad);
                if (constraint.accepts(bad.toString())) {
                    wrong.add(name + " takes " + bad);
                }
            }
        }
        assertEquals(List.of(), wrong);
        assertEquals(SCHEMAS, cases().size());
        assertEquals(REFUSED, refused);
        assertTrue(invalid >= 2 * (SCHEMAS - REFUSED) - 10, invalid + " invalid values");
    }
}
