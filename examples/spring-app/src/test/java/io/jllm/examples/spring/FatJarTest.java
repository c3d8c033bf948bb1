package io.jllm.examples.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The application as one jar, on a heap of 512 MiB. */
class FatJarTest {
    private static final int READERS = 32;
    private static AppProcess app;

    private static AppProcess launch(String... options) throws IOException {
        var command = new ArrayList<>(List.of("-Xmx512m", "--add-modules", "jdk.incubator.vector", "-jar", System.getProperty("jllm.app.jar"),
                "--spring.ai.jllm.chat.temperature=0"));
        command.addAll(List.of(options));
        return new AppProcess(command);
    }

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        app = launch();
        app.port(1);
        app.get("/tale"); // by now it has said how long it took
        app.log().lines().filter(l -> l.contains("Started TaleApplication")).forEach(l -> System.out.println(l.replaceAll(".*: ", "FatJarTest: ")));
    }

    @AfterAll
    static void stop() {
        app.close();
    }

    @Test
    void aTaleComesInPieces() throws Exception {
        String body = app.get("/tale/stream");
        assertTrue(AppProcess.events(body) > 30, body);
        assertEquals(app.get("/tale"), AppProcess.text(body).replace("\\n", "\n").replace("\\\"", "\""));
    }

    @Test
    void readersAtOnce() throws InterruptedException, ExecutionException {
        var streams = new ArrayList<CompletableFuture<String>>();
        for (int i = 0; i < READERS; i++) {
            streams.add(app.ask("/tale/stream"));
        }
        Set<String> texts = new TreeSet<>();
        for (CompletableFuture<String> s : streams) {
            assertTrue(AppProcess.events(s.get()) > 30, s.get());
            texts.add(AppProcess.text(s.get()));
        }
        assertEquals(1, texts.size(), "greedy answers in one batch are those of each alone");
    }

    private static double aborted() throws IOException, InterruptedException {
        var value = Pattern.compile("\"value\":([0-9.E]+)").matcher(app.get("/actuator/metrics/vllm:request_success?tag=finished_reason:abort"));
        assertTrue(value.find());
        return Double.parseDouble(value.group(1));
    }

    @Test
    void aReaderWhoLeavesEndsHisTale() throws Exception {
        double before = aborted();
        try (InputStream in = app.open("/tale/stream?begin=The%20long%20tale")) {
            in.readNBytes(40);
        }
        while (aborted() == before) {
            Thread.sleep(10);
        }
        while (!app.get("/actuator/health").contains("\"running\":0")) {
            Thread.sleep(10);
        }
    }

    @Test
    void entitiesVectorsAndHealth() throws Exception {
        String hero = app.get("/hero");
        assertTrue(hero.matches("\\{\"name\":\".*\",\"age\":-?\\d+}"), hero);
        assertTrue(app.get("/alike?one=a%20fox&other=a%20fox").startsWith("{\"cosine\":"));
        String health = app.get("/actuator/health");
        assertTrue(health.contains("\"jllm\":{\"details\":{") && health.contains("\"backend\":\"cpu\""), health);
    }

    @Test
    void itStopsWhenTheTalesAreTold() throws Exception {
        try (AppProcess other = launch()) {
            String whole = AppProcess.text(other.get("/tale/stream"));
            try (InputStream in = other.open("/tale/stream")) {
                String first = new String(in.readNBytes(20));
                other.terminate();
                assertEquals(whole, AppProcess.text(first + new String(in.readAllBytes())));
            }
            assertEquals(128 + 15, other.exit());
            assertFalse(other.log().matches("(?s).* (ERROR|WARN) .*"), other.log());
        }
    }

    /** Memory does not grow with the number of requests. */
    @Test
    void manyRequests() throws Exception {
        int requests = Integer.getInteger("jllm.app.requests", 0);
        assumeTrue(requests > 0, "-Djllm.app.requests=10000 sends so many requests");
        assumeTrue(Files.exists(Path.of("/proc/self/status")), "only Linux says how much memory a process takes");
        try (AppProcess other = launch("--spring.ai.jllm.chat.max-tokens=16")) {
            var sent = new AtomicInteger();
            var sizes = new ArrayList<Long>();
            for (int part = 1; part <= 5; part++) {
                int until = requests * part / 5;
                try (var readers = Executors.newVirtualThreadPerTaskExecutor()) {
                    var all = new ArrayList<Future<Integer>>();
                    for (int r = 0; r < READERS; r++) {
                        all.add(readers.submit(() -> {
                            for (int n = sent.incrementAndGet(); n <= until; n = sent.incrementAndGet()) {
                                other.get((n % 2 == 0 ? "/tale" : "/tale/stream") + "?begin=Tale%20" + n);
                            }
                            return sent.decrementAndGet();
                        }));
                    }
                    for (Future<Integer> one : all) {
                        one.get();
                    }
                }
                sizes.add(other.rss());
                System.out.println("FatJarTest: " + until + " requests, " + other.rss() / 1024 + " MiB");
            }
            // By the middle the collector has given the heap the size that it wants.
            assertTrue(sizes.getLast() <= sizes.get(sizes.size() / 2) * 1.1, sizes + " KiB");
        }
    }
}
