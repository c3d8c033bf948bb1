package io.jllm.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is fetched, from whom, and where it is kept. */
class HubTest extends HubCase {
    @Test
    void aFolderAsItsOwnToolKeepsIt() throws IOException {
        var told = new ArrayList<Progress>();
        Path folder = find("hf:owner/name", told::add);
        assertEquals(home.resolve("hf/models--owner--name/snapshots/" + FakeHub.COMMIT), folder);
        holds(folder, "config.json", "empty.txt", WEIGHTS, "tokenizer.json");
        assertEquals(FakeHub.COMMIT, Files.readString(home.resolve("hf/models--owner--name/refs/main")));
        Path link = Files.readSymbolicLink(folder.resolve(WEIGHTS));
        assertEquals(Path.of("../../blobs", FakeHub.sha256(hub.files.get(WEIGHTS))), link);
        assertEquals(Path.of("../../blobs", FakeHub.git(hub.files.get("config.json"))), Files.readSymbolicLink(folder.resolve("config.json")));
        assertTrue(Files.exists(home.resolve("hf/CACHEDIR.TAG")));
        Progress last = told.getLast();
        assertEquals(4, last.filesDone());
        assertEquals(last.bytes(), last.bytesDone());
        assertTrue(last.bytesPerSecond() > 0 && last.left().orElseThrow().toMillis() == 0, last.toString());
        assertTrue(told.stream().mapToLong(Progress::bytesDone).reduce(0, (a, b) -> a <= b ? b : Long.MAX_VALUE) < Long.MAX_VALUE, "never back");

        long before = hub.fetches();
        assertEquals(folder, find("hf:owner/name"));
        assertEquals(before, hub.fetches(), "nothing is fetched twice");
        assertEquals(folder, offline("hf:owner/name"));
    }

    @Test
    void theTokenGoesToTheHubAlone() {
        find("hf:owner/name");
        assertTrue(hub.requests.stream().anyMatch(r -> r.startsWith("cdn ")), hub.requests.toString());
        for (String request : hub.requests) {
            assertEquals(request.startsWith("hub "), request.contains(" token"), request);
        }
    }

    @Test
    void aRenamedRepositoryIsFollowedWithTheToken() {
        find("hf:old/name");
        assertTrue(hub.requests.stream().anyMatch(r -> r.startsWith("hub /owner/name/resolve/") && r.contains("config.json token")),
                hub.requests.toString());
    }

    @Test
    void withoutTheHubTheCacheServes() throws IOException {
        Path folder = find("hf:owner/name");
        assertEquals(folder, offline("hf:owner/name@" + FakeHub.COMMIT));
        var notes = new ArrayList<String>();
        var away = new Hub(settings(URI.create("http://127.0.0.1:1"), false));
        assertEquals(folder, away.find(HubName.parse("hf:owner/name"), new DownloadListener() {
            @Override
            public void progress(Progress progress) {
                throw new AssertionError("nothing is fetched");
            }

            @Override
            public void note(String sentence) {
                notes.add(sentence);
            }
        }));
        assertTrue(notes.getFirst().contains("cannot be reached") && notes.getFirst().contains("fetched last"), notes.toString());
        String message = assertThrows(HubException.class, () -> offline("hf:owner/other")).getMessage();
        assertTrue(message.contains("not in the cache") && message.contains("HF_HUB_OFFLINE"), message);
        Files.writeString(folder.resolve("model.safetensors.index.json"), "{\"weight_map\": {\"a\": \"model-00002-of-00002.safetensors\"}}");
        String incomplete = assertThrows(HubException.class, () -> offline("hf:owner/name")).getMessage();
        assertTrue(incomplete.contains("model-00002-of-00002.safetensors"), incomplete);
    }

    @Test
    void severalAtOnceFetchOnce() {
        hub.quirk = (_, _, _) -> {
            try {
                Thread.sleep(30);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            return false;
        };
        List<CompletableFuture<Path>> all = Stream.generate(() -> CompletableFuture.supplyAsync(() -> find("hf:owner/name"),
                r -> Thread.ofVirtual().start(r))).limit(6).toList();
        all.forEach(CompletableFuture::join);
        assertEquals(1, hub.requests.stream().filter(r -> r.startsWith("cdn ")).count(), hub.requests.toString());
    }

    @Test
    void aGgufFileRuns() throws IOException {
        hub.files.clear();
        hub.files.put("README.md", new byte[3]);
        hub.files.put("demo-Q4_0.gguf", Files.readAllBytes(DemoModel.path()));
        Path file = find("hf:owner/name");
        assertTrue(file.endsWith("demo-Q4_0.gguf"));
        try (LLM llm = LLM.load(file).open()) {
            assertEquals(4, llm.generate("Once", SamplingParams.builder().maxTokens(4).ignoreEos(true).build()).tokenIds().length);
        }
    }
}
