package io.jllm.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The first calls that people make of a server, by curl, with no more than what they type. */
class PlainHttpTest extends ServedTest {
    @BeforeAll
    static void curlIsThere() throws InterruptedException {
        try {
            assumeTrue(new ProcessBuilder("curl", "--version").redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0, "skipped: curl fails");
        } catch (IOException _) {
            assumeTrue(false, "skipped: there is no curl on the PATH");
        }
    }

    private static String curl(String... args) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("curl", "-sS", "--fail-with-body", "-H", "Authorization: Bearer " + KEY));
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        return said;
    }

    /** Without the parts that differ from call to call. */
    private static String answer(String reply) {
        return reply.replaceAll("\"(id|created)\":(\"[^\"]*\"|\\d+)", "").replaceAll("\"cached_tokens\":\\d+", "");
    }

    @Test
    void listsModels() throws Exception {
        assertTrue(curl(base() + "/models").contains("\"id\":\"" + MODEL + "\""));
    }

    @Test
    void chatsWithASeed() throws Exception {
        String[] ask = {base() + "/chat/completions", "-H", "Content-Type: application/json", "-d",
            "{\"model\": \"demo\", \"messages\": [{\"role\": \"user\", \"content\": \"Tell me a tale.\"}], \"seed\": 42, \"max_tokens\": 16}"};
        String first = curl(ask);
        assertTrue(first.contains("\"finish_reason\":"), first);
        assertEquals(answer(first), answer(curl(ask)));
    }

    @Test
    void streamsASecondTurn() throws Exception {
        String stream = curl("-N", base() + "/chat/completions", "-H", "Content-Type: application/json", "-d",
                "{\"model\": \"demo\", \"messages\": [{\"role\": \"user\", \"content\": \"Who are you?\"}, {\"role\": \"assistant\", \"content\": \"A king.\"},"
                        + " {\"role\": \"user\", \"content\": \"And then?\"}], \"stream\": true, \"max_tokens\": 16}");
        assertTrue(stream.startsWith("data: {") && stream.endsWith("data: [DONE]\n\n"), stream);
        assertTrue(stream.contains("\"role\":\"assistant\""), stream);
    }

    /** Curl calls what it sends a form, unless it is told otherwise. */
    @Test
    void completesAPrompt() throws Exception {
        String reply = curl(base() + "/completions", "-d", "{\"prompt\": \"Once upon a time\", \"max_tokens\": 8}");
        assertTrue(reply.contains("\"text\":\""), reply);
    }
}
