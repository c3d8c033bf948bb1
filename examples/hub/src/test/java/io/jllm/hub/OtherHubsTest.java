package io.jllm.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** ModelScope and Ollama. */
class OtherHubsTest extends HubCase {
    @Test
    void modelScope() throws IOException {
        var cuts = new AtomicInteger(2);
        hub.quirk = (e, content, from) -> {
            if (content.length < 200_000 || cuts.getAndDecrement() <= 0) {
                return false;
            }
            FakeHub.send(e, content, (int) from, (int) from + 50_000);
            return true;
        };
        Path folder = find("ms:owner/na.me");
        assertEquals(home.resolve("ms/models/owner--na.me/snapshots/master"), folder);
        holds(folder, "config.json", "empty.txt", WEIGHTS, "tokenizer.json");
        assertTrue(hub.requests.stream().allMatch(r -> r.contains(" token")), hub.requests.toString());
        long before = hub.fetches();
        assertEquals(folder, find("ms:owner/na.me"));
        assertEquals(before, hub.fetches());
        assertEquals(folder, offline("ms:owner/na.me"));
        assertTrue(refused("ms:owner/na.me@v9").contains("no such repository or revision v9"));
        hub.digests.put(WEIGHTS, "cd".repeat(32));
        Files.delete(folder.resolve(WEIGHTS));
        assertTrue(refused("ms:owner/na.me").contains("twice"));
    }

    @Test
    void modelScopesOldFolders() throws IOException {
        Path old = Files.createDirectories(home.resolve("ms/hub/models/owner/na___me"));
        for (String name : List.of("config.json", WEIGHTS)) {
            Files.write(old.resolve(name), hub.files.get(name));
        }
        assertEquals(old, offline("ms:owner/na.me"));
    }

    @Test
    void ollama() throws IOException {
        Path models = home.resolve("ollama");
        Path manifest = models.resolve("manifests/registry.ollama.ai/library/tiny/1b");
        String digest = "ab".repeat(32);
        Files.createDirectories(manifest.getParent());
        Files.writeString(manifest, "{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.template\", \"digest\": \"sha256:" + "cd".repeat(32)
                + "\"}, {\"mediaType\": \"application/vnd.ollama.image.model\", \"digest\": \"sha256:" + digest + "\"}]}");
        assertTrue(refused("ollama:tiny:1b").contains("is missing"));
        Path blob = Files.createDirectories(models.resolve("blobs")).resolve("sha256-" + digest);
        Files.writeString(blob, "GGUF");
        assertEquals(blob, find("ollama:tiny:1b"));
        assertTrue(refused("ollama:tiny").contains("ollama pull tiny"));
        Files.writeString(manifest, "[]");
        assertTrue(refused("ollama:tiny:1b").contains("no manifest"));
    }
}
