package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.demo.DemoModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names of hubs in place of files; what is fetched and how is tested where it is done. */
class HubNamesTest {
    @Test
    void namesThatAreNone() {
        for (String name : new String[] {"hf:", "hf:only", "ms:a/b/c", "hf:a/../b"}) {
            assertTrue(CliRun.bad(2, "pull", name).contains("hf:owner/name"), name);
            assertTrue(CliRun.bad(2, "run", "--model", name, "--prompt", "x").contains("hf:owner/name"), name);
            assertTrue(CliRun.bad(2, "inspect", name).contains("hf:owner/name"), name);
        }
        assertTrue(CliRun.bad(2, "pull", "model.gguf").contains("no name of a model"));
        assertTrue(CliRun.bad(2, "run", "--model", "no-such.gguf", "--prompt", "x").contains("there is no model no-such.gguf"));
    }

    /** Every command that takes a model takes a name. */
    @Test
    void whatOllamaHasPulled(@TempDir Path home) throws IOException {
        Assumptions.assumeTrue(Optional.ofNullable(System.getenv("OLLAMA_MODELS")).isEmpty(), "skipped: OLLAMA_MODELS is set");
        Path models = home.resolve(".ollama/models");
        Path manifest = models.resolve("manifests/registry.ollama.ai/library/fairytale/latest");
        String digest = "0a".repeat(32);
        Files.createDirectories(manifest.getParent());
        Files.createDirectories(models.resolve("blobs"));
        Files.writeString(manifest, "{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.model\", \"digest\": \"sha256:" + digest + "\"}]}");
        Path blob = Files.copy(DemoModel.path(), models.resolve("blobs/sha256-" + digest));
        String before = System.getProperty("user.home");
        System.setProperty("user.home", home.toString());
        try {
            assertEquals(blob + System.lineSeparator(), CliRun.good("pull", "ollama:fairytale"));
            assertTrue(CliRun.good("inspect", "ollama:fairytale").contains("llama"));
            assertEquals(CliRun.good("logits", "--ids", "1,2", "--json"),
                    CliRun.good("logits", "--model", "ollama:fairytale", "--ids", "1,2", "--json"));
            String missing = CliRun.bad(1, "run", "--model", "ollama:other", "--prompt", "x");
            assertTrue(missing.contains("ollama pull other"), missing);
        } finally {
            System.setProperty("user.home", before);
        }
    }
}
