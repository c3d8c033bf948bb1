package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Answers that are bound, and {@code grammar}. */
class ConstraintsTest {
    private static final String SCHEMA = "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": 12}, "
            + "\"age\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 120}}, \"required\": [\"name\", \"age\"], \"additionalProperties\": false}";

    @TempDir
    private Path folder;

    @Test
    void answersAreBound() throws Exception {
        Path schema = Files.writeString(folder.resolve("person.json"), SCHEMA);
        String[] settings = {"run", "--prompt", "The king was", "--temperature", "1.2", "--seed", "3", "--json-schema", schema.toString()};
        JsonObject person = JsonParser.parseString(CliRun.good(settings)).getAsJsonObject();
        int age = person.get("age").getAsInt();
        assertTrue(age >= 1 && age <= 120, person.toString());
        assertTrue(CliRun.good("run", "--prompt", "It was", "--seed", "1", "--regex", "[a-z]{3}-\\d\\d").strip().matches("[a-z]{3}-\\d\\d"));
        assertTrue(CliRun.good("run", "--prompt", "It was", "--seed", "1", "--choices", "a fox, a wolf").strip().matches("a fox|a wolf"));
        Path grammar = Files.writeString(folder.resolve("sum.gbnf"), "root ::= [1-9] (\"+\" [1-9]){2}\n");
        CliRun chat = CliRun.typing("Add\n", "chat", "--grammar", grammar.toString(), "--seed", "1");
        assertTrue(chat.out().strip().matches("[1-9](\\+[1-9]){2}"), chat.out() + chat.err());
    }

    @Test
    void textsAreChecked() throws Exception {
        Path schema = Files.writeString(folder.resolve("person.json"), SCHEMA);
        Path good = Files.writeString(folder.resolve("good"), "{\"name\": \"Ada\", \"age\": 36}");
        Path bad = Files.writeString(folder.resolve("bad"), "{\"name\": \"Ada\", \"age\": 360}");
        assertEquals("", CliRun.good("grammar", "--check", schema.toString(), "--text-file", good.toString()));
        assertTrue(CliRun.bad(3, "grammar", "--check", schema.toString(), "--text-file", bad.toString()).contains("no sentence"));
        Path refused = Files.writeString(folder.resolve("refused.json"), "{\"not\": {\"type\": \"string\"}}");
        assertTrue(CliRun.bad(2, "grammar", "--check", refused.toString()).contains("not"));
        Path grammar = Files.writeString(folder.resolve("open.gbnf"), "root ::= missing\n");
        assertTrue(CliRun.bad(2, "grammar", "--check", grammar.toString()).contains("missing"));
    }
}
