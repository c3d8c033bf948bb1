package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code chat}, with lines that are typed beforehand. */
class ChatCommandTest {
    private static final Path SMOL = Path.of(System.getProperty("jllm.shared", ""), "models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf");

    @TempDir
    private Path folder;

    @Test
    void answersEachLine() {
        CliRun run = CliRun.typing("Once upon a time\n\n/help\nThe dragon said\n/exit\nnever read\n", "chat", "--temperature", "0", "--max-tokens", "5");
        assertEquals(0, run.code(), run.err());
        assertEquals(2, run.out().lines().filter(l -> !l.isBlank()).count(), run.out());
        assertTrue(run.err().contains("ChatML") && run.err().contains("[ended by the limit of tokens]"), run.err());
    }

    @Test
    void knowsWhatWasSaid() {
        assumeTrue(Files.exists(SMOL), "skipped: -Djllm.shared names no folder with " + SMOL);
        String system = "Translate what the user says to French. Say nothing else.";
        String[] args = {"chat", "--model", SMOL.toString(), "--temperature", "0", "--max-tokens", "12", "--system", system};
        List<String> both = CliRun.typing("Good morning!\nThank you.\n", args).out().lines().toList();
        List<String> cleared = CliRun.typing("Good morning!\n/clear\nThank you.\n", args).out().lines().toList();
        String alone = CliRun.typing("Thank you.\n", args).out();
        assertEquals(both.getFirst(), cleared.getFirst());
        assertEquals(alone.strip(), cleared.getLast());
        String noSystem = CliRun.typing("Thank you.\n", "chat", "--model", SMOL.toString(), "--temperature", "0", "--max-tokens", "12").out();
        assertTrue(!alone.equals(noSystem), "instructions make no difference");
    }

    @Test
    void badTools() throws Exception {
        Path file = Files.writeString(folder.resolve("tools.json"), "[{\"type\": \"function\", \"function\": {\"description\": \"nameless\"}}]");
        assertTrue(CliRun.bad(2, "chat", "--tools", file.toString()).contains("name"));
    }
}
