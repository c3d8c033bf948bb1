package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code infer}: questions of a file, and of a user. */
class InferCommandTest {
    private static final String[] QUESTIONS = {
        "{\"id\": 7, \"messages\": [{\"role\": \"user\", \"content\": \"Once upon a time\"}]}",
        "",
        "{\"query\": \"Once upon a time\", \"response\": \"there was a king\", \"error\": \"none of ours\"}",
        "{\"query\": \"And then?\", \"system\": \"A tale.\", \"history\": [[\"Once\", \"upon\"]]}",
        "no JSON",
        "{\"instruction\": \"tell\"}",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Who?\"}, {\"role\": \"assistant\", \"content\": \"the queen\"}]}",
        "{\"query\": \"" + "long ".repeat(2000) + "\"}"};

    @TempDir
    private Path folder;

    private Path questions() throws Exception {
        return Files.write(folder.resolve("questions.jsonl"), List.of(QUESTIONS));
    }

    private static List<JsonObject> objects(List<String> lines) {
        return lines.stream().map(l -> JsonParser.parseString(l).getAsJsonObject()).toList();
    }

    private static String[] infer(Path questions, String... more) {
        var args = new ArrayList<>(List.of("infer", "--input", questions.toString(), "--temperature", "0", "--max-tokens", "8", "--threads", "1"));
        args.addAll(List.of(more));
        return args.toArray(String[]::new);
    }

    private static String text(JsonObject answer, String key) {
        return answer.get(key).isJsonNull() ? "null" : answer.get(key).getAsString();
    }

    @Test
    void answersInTheirOrder() throws Exception {
        List<JsonObject> answers = objects(CliRun.good(infer(questions(), "--at-once", "2")).lines().toList());
        assertEquals(7, answers.size());
        JsonObject first = answers.get(0);
        assertEquals("7", text(first, "id"));
        assertFalse(text(first, "response").isBlank());
        assertEquals("length", text(first, "finish_reason"));
        assertEquals("null", text(first, "labels"));
        JsonArray said = first.getAsJsonArray("messages");
        assertEquals(2, said.size());
        assertEquals(text(first, "response"), text(said.get(1).getAsJsonObject(), "content"));
        assertEquals(text(first, "response"), text(answers.get(1), "response"), "the same question, with its answer beside it");
        assertEquals("there was a king", text(answers.get(1), "labels"));
        assertFalse(answers.get(1).has("error"));
        assertFalse(text(answers.get(2), "response").equals(text(first, "response")));
        for (int wrong : List.of(3, 4, 6)) {
            assertEquals("null", text(answers.get(wrong), "response"));
            assertFalse(answers.get(wrong).has("finish_reason"));
        }
        assertTrue(text(answers.get(3), "error").contains("line 5 is not valid JSON"), answers.get(3).toString());
        assertTrue(text(answers.get(4), "error").contains("line 6 has neither messages nor query"), answers.get(4).toString());
        assertTrue(text(answers.get(6), "error").contains("1024"), answers.get(6).toString());
        assertEquals("the queen", text(answers.get(5), "labels"));
        assertEquals(2, answers.get(5).getAsJsonArray("messages").size());
    }

    @Test
    void goesOnWhereItEnded() throws Exception {
        Path questions = questions();
        Path out = folder.resolve("answers.jsonl");
        CliRun all = CliRun.of(infer(questions, "--output", out.toString()));
        assertEquals(0, all.code(), all.err());
        assertEquals("", all.out());
        assertTrue(all.err().contains("4 answered, 3 not"), all.err());
        List<String> whole = Files.readAllLines(out);
        Files.writeString(out, String.join("\n", whole.subList(0, 3)) + "\n" + whole.get(3).substring(0, 9)); // as if it was ended there
        CliRun rest = CliRun.of(infer(questions, "--output", out.toString()));
        assertTrue(rest.err().contains("1 answered, 3 not, 3 were answered before"), rest.err());
        assertEquals(whole, Files.readAllLines(out));

        Path others = Files.writeString(folder.resolve("others.jsonl"), "{\"query\": \"What else?\"}\n");
        String refused = CliRun.of(infer(others, "--output", out.toString())).err();
        assertTrue(refused.contains("its line 1 is no answer to the question at that place"), refused);
        assertEquals(whole, Files.readAllLines(out));
        assertTrue(CliRun.bad(2, infer(questions, "--output", questions.toString())).contains("cannot go to the file of the questions"));
        assertTrue(CliRun.bad(2, infer(questions, "--output", Files.writeString(folder.resolve("x"), "x\n").toString())).contains("name another file"));
    }

    @Test
    void systemAndBounds() throws Exception {
        Path questions = Files.writeString(folder.resolve("q"), "{\"messages\": [{\"role\": \"user\", \"content\": \"Yes or no?\"}]}\n{\"query\": \"Or?\", \"system\": \"s\"}\n");
        for (JsonObject answer : objects(CliRun.good(infer(questions, "--choices", "yes,no", "--system", "Be brief.")).lines().toList())) {
            assertTrue(List.of("yes", "no").contains(text(answer, "response")), answer.toString());
            assertEquals("stop", text(answer, "finish_reason"));
        }
    }

    @Test
    void talksWithoutAFile() {
        CliRun run = CliRun.typing("Once upon a time\n", "infer", "--temperature", "0", "--max-tokens", "5");
        assertEquals(0, run.code(), run.err());
        assertEquals(CliRun.typing("Once upon a time\n", "chat", "--temperature", "0", "--max-tokens", "5").out(), run.out());
        assertTrue(CliRun.bad(2, "infer", "--output", "x").contains("--input"));
        assertTrue(CliRun.bad(2, "infer", "--at-once", "0").contains("1 to 1024"));
        assertTrue(CliRun.bad(2, "infer", "--input", folder.resolve("none").toString()).contains("there is no file"));
    }
}
