package io.jllm.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.jllm.jinja.json.JsonText;
import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Cases of llama.cpp's tests that Python's jinja2 agrees with, where they are at hand. */
class SharedCasesTest {
    private static JsonElement shared(String path) throws IOException {
        String root = System.getProperty("jllm.shared", "");
        Path file = Path.of(root, path);
        assumeTrue(!root.isEmpty() && Files.exists(file), "needs " + path + " under -Djllm.shared");
        return JsonParser.parseString(Files.readString(file));
    }

    private static Value value(JsonElement json) {
        try {
            return JsonText.parse(json.toString());
        } catch (JsonText.Malformed e) {
            throw new IllegalStateException(e);
        }
    }

    private static String render(String template, Map<String, Value> variables) {
        return Template.parse(template).render(variables, Clock.systemUTC()).text();
    }

    @Test
    void engine() throws IOException {
        JsonArray cases = shared("cases/jinja_engine.json").getAsJsonArray();
        List<String> wrong = new ArrayList<>();
        for (JsonElement element : cases) {
            JsonObject c = element.getAsJsonObject();
            String template = c.get("template").getAsString();
            Map<String, Value> variables = new HashMap<>();
            before(template, c.getAsJsonObject("vars")).entrySet().forEach(e -> variables.put(e.getKey(), value(e.getValue())));
            String is = render(template, variables);
            if (!is.equals(c.get("expected").getAsString())) {
                wrong.add(template + " gives " + is);
            }
        }
        assertEquals(138, cases.size());
        assertEquals(List.of(), wrong);
    }

    /** The file has the variables as two templates that change a list left them. */
    private static JsonObject before(String template, JsonObject variables) {
        if (template.contains("arr.pop()")) {
            variables.getAsJsonArray("arr").add(new JsonPrimitive("c"));
        } else if (template.contains("arr.append(")) {
            variables.getAsJsonArray("arr").remove(3);
        }
        return variables;
    }

    @Test
    void chatTemplates() throws IOException {
        JsonObject file = shared("cases/chat_templates_llama_cpp.json").getAsJsonObject();
        int rendered = 0;
        for (JsonElement element : file.getAsJsonArray("cases")) {
            JsonObject c = element.getAsJsonObject();
            JsonArray messages = file.getAsJsonArray("messages").deepCopy();
            messages.addAll(c.getAsJsonArray("extra_conversation"));
            Map<String, Value> variables = new HashMap<>(Map.of("messages", value(messages), "add_generation_prompt", Bool.TRUE,
                    "bos_token", value(c.get("bos_token")), "eos_token", value(c.get("eos_token"))));
            String template = c.get("template").getAsString();
            if (c.get("python_jinja2").isJsonNull()) { // refuses a system message, or needs a variable that it is not given
                assertTrue(assertThrows(JinjaException.class, () -> render(template, variables)).line() > 0);
            } else {
                assertEquals(c.get("python_jinja2").getAsString(), render(template, variables), c.get("name").getAsString());
                rendered++;
            }
        }
        assertEquals(33, rendered);
    }
}
