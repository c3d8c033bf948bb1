package io.jllm.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Downloads from a server of this machine that plays every case of the protocols. */
class HubTest {
    private static final String WEIGHTS = "model.safetensors";
    private static final String TOKEN = "hf_secret";

    @TempDir
    Path home;
    private FakeHub hub;

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

    private static byte[] random(int size, int seed) {
        var bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private HubSettings settings(URI endpoint, boolean offline) {
        return new HubSettings(new HubSettings.Site(endpoint, Optional.of(TOKEN), home.resolve("hf")),
                new HubSettings.Site(endpoint, Optional.of(TOKEN), home.resolve("ms")), home.resolve("ollama"), offline, true,
                Duration.ofSeconds(20), Duration.ofMillis(1));
    }

    private Path find(String name) {
        return find(name, DownloadListener.NONE);
    }

    private Path find(String name, DownloadListener listener) {
        return new Hub(settings(hub.endpoint(), false)).find(HubName.parse(name), listener);
    }

    private Path offline(String name) {
        return new Hub(settings(hub.endpoint(), true)).find(HubName.parse(name), DownloadListener.NONE);
    }

    private String refused(String name) {
        return assertThrows(HubException.class, () -> find(name)).getMessage();
    }

    private void holds(Path folder, String... names) throws IOException {
        for (String name : names) {
            assertArrayEquals(hub.files.get(name), Files.readAllBytes(folder.resolve(name)), name);
        }
        try (Stream<Path> all = Files.walk(folder)) {
            assertEquals(List.of(names), all.filter(Files::isRegularFile).map(p -> folder.relativize(p).toString()).sorted().toList());
        }
    }

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
    void whatWasCutIsGoneOnWith() throws IOException {
        var cuts = new AtomicInteger(4);
        hub.quirk = (e, content, from) -> {
            if (content.length < 200_000 || cuts.getAndDecrement() <= 0) {
                return false;
            }
            FakeHub.send(e, content, (int) from, (int) from + 50_000);
            return true;
        };
        holds(find("hf:owner/name"), "config.json", "empty.txt", WEIGHTS, "tokenizer.json");
        assertTrue(hub.requests.stream().anyMatch(r -> r.startsWith("cdn ") && r.contains("bytes=")), hub.requests.toString());
    }

    /** The first call fails for good; the second one goes on where it was. */
    @Test
    void anotherCallGoesOnToo() throws IOException {
        var broken = new AtomicBoolean(true);
        hub.quirk = (e, content, from) -> {
            if (content.length < 200_000 || !broken.get()) {
                return false;
            }
            if (from == 0) {
                FakeHub.send(e, content, 0, 120_000);
            } else {
                FakeHub.text(e, 503, "");
            }
            return true;
        };
        String message = refused("hf:owner/name");
        assertTrue(message.contains("of 300000 bytes") && message.contains("status 503") && message.contains("kept"), message);
        broken.set(false);
        hub.requests.clear();
        holds(find("hf:owner/name"), "config.json", "empty.txt", WEIGHTS, "tokenizer.json");
        assertTrue(hub.requests.stream().filter(r -> r.startsWith("cdn ")).allMatch(r -> r.contains("bytes=")), hub.requests.toString());
    }

    @Test
    void aServerWithoutRangesStartsAnew() throws IOException {
        hub.ranges = false;
        var cuts = new AtomicInteger(2);
        hub.quirk = (e, content, from) -> {
            if (content.length < 200_000 || cuts.getAndDecrement() <= 0) {
                return false;
            }
            FakeHub.send(e, content, 0, 100_000);
            return true;
        };
        holds(find("hf:owner/name"), "config.json", "empty.txt", WEIGHTS, "tokenizer.json");
    }

    @Test
    void aSignatureThatRanOutIsAskedForAgain() throws IOException {
        var step = new AtomicInteger();
        hub.quirk = (e, content, from) -> {
            if (content.length < 200_000) {
                return false;
            }
            switch (step.getAndIncrement()) {
                case 0 -> FakeHub.send(e, content, 0, 90_000);
                case 1 -> FakeHub.text(e, 403, "expired");
                default -> {
                    return false;
                }
            }
            return true;
        };
        holds(find("hf:owner/name"), "config.json", "empty.txt", WEIGHTS, "tokenizer.json");
        assertEquals(3, hub.requests.stream().filter(r -> r.contains("/resolve/") && r.contains(WEIGHTS)).count());
    }

    @Test
    void aServerThatFallsSilentIsLeft() throws IOException {
        var silent = new AtomicBoolean(true);
        var end = new CountDownLatch(1);
        hub.quirk = (e, content, from) -> {
            if (content.length < 200_000 || !silent.getAndSet(false)) {
                return false;
            }
            e.sendResponseHeaders(200, content.length);
            e.getResponseBody().write(content, 0, 10_000);
            e.getResponseBody().flush();
            try {
                end.await();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            return true;
        };
        HubSettings s = settings(hub.endpoint(), false);
        var hasty = new HubSettings(s.huggingFace(), s.modelScope(), s.ollama(), false, true, Duration.ofSeconds(1), s.retryDelay());
        holds(new Hub(hasty).find(HubName.parse("hf:owner/name"), DownloadListener.NONE), "config.json", "empty.txt", WEIGHTS, "tokenizer.json");
        end.countDown();
    }

    @Test
    void wrongContentIsNeverKept() throws IOException {
        hub.digests.put("config.json", "ab".repeat(20));
        assertTrue(refused("hf:owner/name").contains("config.json"));
        hub.digests.clear();
        hub.digests.put(WEIGHTS, "ab".repeat(32));
        String message = refused("hf:owner/name");
        assertTrue(message.contains(WEIGHTS) && message.contains("twice") && message.contains("abab"), message);
        try (Stream<Path> all = Files.walk(home)) {
            assertTrue(all.noneMatch(p -> p.toString().contains("abab") && !p.toString().endsWith(".lock")));
        }
        hub.digests.clear();
        find("hf:owner/name");
    }

    @Test
    void aBusyHubIsAskedAgain() {
        hub.busy.set(3);
        find("hf:owner/name");
        hub.busy.set(1000);
        assertTrue(refused("hf:owner/name@v1").contains("status 429"));
    }

    @Test
    void eachRefusalHasItsSentence() {
        for (var refusal : Map.of("GatedRepo", "accept its licence", "RepoNotFound", "no such repository", "RevisionNotFound",
                "no branch, tag or commit main", "EntryNotFound", "ask again").entrySet()) {
            hub.refusal = Optional.of(Map.entry(refusal.getKey().equals("GatedRepo") ? 403 : 404, refusal.getKey()));
            String message = refused("hf:owner/name");
            assertTrue(message.startsWith("hf:owner/name") && message.contains(refusal.getValue()), message);
            assertFalse(message.contains(TOKEN), message);
        }
        hub.refusal = Optional.of(Map.entry(401, ""));
        assertTrue(refused("hf:owner/name").contains("private"));
        hub.refusal = Optional.empty();
        assertTrue(refused("hf:owner/nothing").contains("no such repository"));
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

    /** What a hub may say that would do harm. */
    @Test
    void badListsAreRefused() {
        for (String path : List.of("../x.json", "a/../../x.json", "/etc/x.json", "a\\b.json", "c:x.json", "")) {
            hub.strangers.clear();
            hub.strangers.put(path, 3L);
            assertTrue(refused("hf:owner/name").contains("not safe"), path);
        }
        hub.strangers.clear();
        hub.strangers.put("vocab.json", -1L);
        assertTrue(refused("hf:owner/name").contains("-1 bytes"));
        hub.strangers.put("vocab.json", 1L << 60);
        String message = refused("hf:owner/name");
        assertTrue(message.contains("there is room for"), message);
    }

    @Test
    void anInterruptEndsIt() throws InterruptedException {
        hub.quirk = (e, content, _) -> {
            try {
                Thread.sleep(60_000);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            return false;
        };
        var failure = new CompletableFuture<String>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                find("hf:owner/name");
            } catch (HubException e) {
                failure.complete(e.getMessage() + " " + Thread.currentThread().isInterrupted());
            }
        });
        while (hub.fetches() == 0) {
            Thread.sleep(5);
        }
        thread.interrupt();
        assertTrue(failure.join().startsWith("interrupted") && failure.join().endsWith("true"), failure.join());
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
