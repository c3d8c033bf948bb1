package io.jllm.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Downloads from a server of this machine that plays every case of the protocols. */
abstract class HubCase {
    static final String WEIGHTS = "model.safetensors";
    static final String TOKEN = "hf_secret";

    @TempDir
    Path home;
    FakeHub hub;

    @BeforeEach
    void start() throws IOException {
        hub = new FakeHub();
        hub.files.put("config.json", "{\"model_type\": \"llama\"}".getBytes());
        hub.files.put("README.md", "a readme".getBytes());
        hub.files.put("tokenizer.json", "{}".getBytes());
        hub.files.put("empty.txt", new byte[0]);
        hub.files.put("pytorch_model.bin", random(5000, 2));
        hub.files.put("original/consolidated.00.pth", random(5000, 3));
        hub.files.put(WEIGHTS, random(300_000, 1));
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    static byte[] random(int size, int seed) {
        var bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    HubSettings settings(URI endpoint, boolean offline) {
        return new HubSettings(new HubSettings.Site(endpoint, Optional.of(TOKEN), home.resolve("hf")),
                new HubSettings.Site(endpoint, Optional.of(TOKEN), home.resolve("ms")), home.resolve("ollama"), offline, true,
                Duration.ofSeconds(20), Duration.ofMillis(1));
    }

    Path find(String name) {
        return find(name, DownloadListener.NONE);
    }

    Path find(String name, DownloadListener listener) {
        return new Hub(settings(hub.endpoint(), false)).find(HubName.parse(name), listener);
    }

    Path offline(String name) {
        return new Hub(settings(hub.endpoint(), true)).find(HubName.parse(name), DownloadListener.NONE);
    }

    String refused(String name) {
        return assertThrows(HubException.class, () -> find(name)).getMessage();
    }

    void holds(Path folder, String... names) throws IOException {
        for (String name : names) {
            assertArrayEquals(hub.files.get(name), Files.readAllBytes(folder.resolve(name)), name);
        }
        try (Stream<Path> all = Files.walk(folder)) {
            assertEquals(List.of(names), all.filter(Files::isRegularFile).map(p -> folder.relativize(p).toString()).sorted().toList());
        }
    }
}
