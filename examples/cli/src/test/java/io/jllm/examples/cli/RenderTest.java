package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code render}: conversations to prompts. */
class RenderTest {
    private static final String TEMPLATE = "{% for m in messages %}[{{ m.role }}:{{ m.content }}{% for c in m.tool_calls %}"
            + "{{ c.function.name }}{{ c.function.arguments|tojson }}{% endfor %}]{% endfor %}{% for t in tools or [] %}{{ t|tojson }}{% endfor %}"
            + "{{ mood }}{% if add_generation_prompt %}>{% endif %}\n\n\n";

    @TempDir
    private Path folder;

    private String file(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }

    @Test
    void conversations() throws IOException {
        String template = file("t.jinja", TEMPLATE);
        String list = file("list.json", "[{\"role\":\"user\",\"content\":\"{{ 1 }} é\"},{\"role\":\"user\",\"content\":["
                + "{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}]");
        assertEquals("[user:{{ 1 }} é][user:a\nb]>\n", CliRun.good("render", "--messages", list, "--template", template));
        String object = file("object.json", "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\","
                + "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1.0}\"}}]},"
                + "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"2\"}],"
                + "\"tools\":[{\"type\":\"function\","
                + "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}],\"add_generation_prompt\":false,"
                + "\"chat_template_kwargs\":{\"mood\":[true]}}");
        assertEquals("[assistant:f{\"x\": 1.0}][tool:2]"
                + "{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {\"type\": \"object\"}}}[True]\n",
                CliRun.good("render", "--messages", object, "--template", template));
    }

    @Test
    void ownVariables() throws IOException {
        String template = file("t.jinja", "{{ a + 1 }}{{ b|tojson }}");
        assertEquals("42[null]", CliRun.good("render", "--template", template, "--vars", file("v.json", "{\"a\":41,\"b\":[null]}")));
        assertTrue(CliRun.bad(2, "render", "--template", template, "--vars", file("w.json", "[]")).contains("must be a JSON object"));
        assertTrue(CliRun.bad(2, "render", "--template", template).contains("line 1 of the chat template: 'a' is undefined"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '#', quoteCharacter = '`', value = {
        "[]#must hold at least one message",
        "[{]#is not valid JSON",
        "{}#must hold at least one message",
        "{\"messages\":1}#messages must be an array, is 1",
        "{\"message\":[]}#message is not known",
        "[{\"role\":\"king\",\"content\":\"\"}]#[0]: role must be a role, of system, developer, user, assistant, tool, is \"king\"",
        "[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"user\"}]#[1]: content must be a string, is missing",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]#[0]: content[0]: type must be \"text\": parts of other types are not supported",
        "[{\"role\":\"user\",\"content\":\"\",\"reasoning\":\"x\"}]#[0]: reasoning and tool calls belong to messages of the assistant",
        "[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}]#arguments of the call",
        "[{\"role\":\"user\",\"content\":\"\"}] x#m.json is not valid JSON: malformed JSON at line 1"})
    void badFilesNameThePlace(String json, String message) throws IOException {
        String line = CliRun.bad(2, "render", "--template", file("t.jinja", TEMPLATE), "--messages", file("m.json", json));
        assertTrue(line.contains(message), line);
    }

    @Test
    void aModelWithoutATemplateSaysSo() throws IOException {
        String line = CliRun.bad(2, "render", "--messages", file("m.json", "[{\"role\":\"user\",\"content\":\"\"}]"));
        assertTrue(line.contains("the model has no chat template"), line);
    }
}
