package io.jllm.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.jinja.json.JsonText;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Value;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What jinja2 3.1 with the settings of transformers 5.18 makes of templates that use about all that there is, and which of them it refuses. */
class PythonCasesTest {
    @Test
    void outputsAndErrorsAreThoseOfPython() throws IOException, JsonText.Malformed {
        JsonObject file;
        try (InputStream in = getClass().getResourceAsStream("python.json")) {
            file = JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8)).getAsJsonObject();
        }
        List<String> wrong = new ArrayList<>();
        for (JsonElement element : file.getAsJsonArray("cases")) {
            JsonObject c = element.getAsJsonObject();
            Map<String, Value> variables = new LinkedHashMap<>();
            for (Map.Entry<String, JsonElement> entry : file.getAsJsonObject("variables").entrySet()) {
                variables.put(entry.getKey(), JsonText.parse(entry.getValue().toString()));
            }
            String template = c.get("template").getAsString();
            String outcome;
            try {
                outcome = Template.parse(template).render(variables, Clock.systemUTC()).text();
            } catch (JinjaException e) {
                assertTrue(e.line() > 0, template);
                outcome = "error: " + e.getMessage();
            }
            boolean right = c.has("error") ? outcome.startsWith("error: ") : outcome.equals(c.get("expected").getAsString());
            if (!right) {
                wrong.add(template + "\n  gives " + outcome + "\n  not   " + (c.has("error") ? c.get("error") : c.get("expected").getAsString()));
            }
        }
        assertEquals("", String.join("\n", wrong));
    }
}
