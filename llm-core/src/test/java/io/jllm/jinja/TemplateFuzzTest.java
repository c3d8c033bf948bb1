package io.jllm.jinja;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.jllm.jinja.json.JsonText;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Broken templates give a text or an error that names a line; nothing else, and not without bounds. */
class TemplateFuzzTest {
    private static final int RUNS = Integer.getInteger("jllm.fuzz.templates", 20_000);
    private static final long STEPS = 100_000;
    private static final long CHARACTERS = 2_000_000;
    private static final String[] PIECES = {
        "{{", "}}", "{%", "%}", "{%-", "-%}", "{#", "#}", "|", "(", ")", "[", "]", "{", "}", ",", ":", ".", "~", "**", "//", " * 1000000",
        "range(99999)", " for x in range(9999) ", "{% for x in messages recursive %}", "{{ loop(messages) }}", "{% endfor %}",
        "{% set m = m + m %}", "{% macro r() %}{{ r() }}{% endmacro %}{{ r() }}", "|tojson", "|list", "|sort", "|map('upper')",
        "|batch(3, 'x')", "|indent(999)", "|center(100000)", "|replace('', 'aaaaaaaaaa')", "not ", "- ", "if ", "else ", "is ", "in ",
        "9223372036854775807", "1e308", "'", "\"", "\\", "\\x", "\\N{", "\u00e9", "\ud83d\ude00", "\ud83d", "\u0000", "%s", "%999d",
        "{:>999}", ".format(", ".split('", "[::-1]", "[::0]", "messages", "loop", "none", "namespace(", "*", "=", "{% set l.append(l) %}",
        "{{ l.append(l) or l }}", "raise_exception(", "{% raw %}", "{% endraw %}", "((((((((((((((((((((", "[[[[[[[[[[[[[[[[[[[[",
        "not not not not not not not not ", "{% if x %}{% if x %}{% if x %}", "{% filter upper %}", "{% call r() %}", "{% generation %}",
        "{% break %}"};

    private static List<String> seeds() throws IOException {
        List<String> seeds = new ArrayList<>();
        try (InputStream in = TemplateFuzzTest.class.getResourceAsStream("python.json")) {
            JsonElement file = JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8));
            for (JsonElement c : file.getAsJsonObject().getAsJsonArray("cases")) {
                seeds.add(c.getAsJsonObject().get("template").getAsString());
            }
        }
        String root = System.getProperty("jllm.shared", "");
        Path real = Path.of(root, "cases", "chat_templates_llama_cpp.json");
        if (!root.isEmpty() && Files.exists(real)) {
            for (JsonElement c : JsonParser.parseString(Files.readString(real)).getAsJsonObject().getAsJsonArray("cases")) {
                seeds.add(c.getAsJsonObject().get("template").getAsString());
            }
        }
        return seeds;
    }

    private static String mutated(String seed, Random random) {
        StringBuilder text = new StringBuilder(seed);
        for (int i = random.nextInt(1, 6); i > 0; i--) {
            int from = random.nextInt(text.length() + 1);
            int to = Math.min(text.length(), from + random.nextInt(1, 20));
            switch (random.nextInt(5)) {
                case 0 -> text.delete(from, to);
                case 1 -> text.insert(random.nextInt(text.length() + 1), text.substring(from, to));
                case 2 -> text.setLength(Math.max(from, text.length() / 2));
                default -> text.insert(from, PIECES[random.nextInt(PIECES.length)]);
            }
        }
        return text.toString();
    }

    private static Map<String, Value> variables() throws JsonText.Malformed {
        return new HashMap<>(Map.of("messages", JsonText.parse("[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a \\n b\"},"
                + "{\"role\":\"assistant\",\"content\":\"\","
                + "\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1.5}}}]}]"),
                "tools", JsonText.parse("[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}]"), "m", Str.data("x"),
                "l", JsonText.parse("[3,1,2]"), "d", JsonText.parse("{\"b\":1,\"a\":[1,{\"x\":null}]}"), "x", Str.data("1"),
                "s", Str.data("Hello, World! ")));
    }

    @Test
    void brokenTemplatesEndInATextOrAnError() throws IOException, JsonText.Malformed {
        List<String> seeds = seeds();
        Random random = new Random(20_261_129);
        int rendered = 0;
        for (int run = 0; run < RUNS; run++) {
            String template = mutated(seeds.get(random.nextInt(seeds.size())), random);
            try {
                Str text = Template.parse(template).render(variables(), Clock.systemUTC(), new Meter(STEPS, CHARACTERS));
                assertTrue(text.text().length() <= CHARACTERS);
                rendered++;
            } catch (JinjaException e) {
                assertTrue(e.line() > 0 && !e.getMessage().isEmpty(), template);
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("run " + run + ": " + template, e);
            }
        }
        assertTrue(rendered > RUNS / 50, "some still render: " + rendered);
    }
}
