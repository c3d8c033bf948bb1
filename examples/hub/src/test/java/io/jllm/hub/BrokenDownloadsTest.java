package io.jllm.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Servers and lines that fail, lie or fall silent. */
class BrokenDownloadsTest extends HubCase {
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
}
