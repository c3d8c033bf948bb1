package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.MemoryReport;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import io.jllm.server.model.Loading;
import io.jllm.server.model.ModelSource;
import io.jllm.server.model.Models;
import java.io.IOException;
import java.net.BindException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The server as a whole: models by name, many clients, its end. */
class ServerTest {
    private static final String COMPLETIONS = "/v1/completions";

    private static String ask(String model) {
        return "{\"model\":\"" + model + "\",\"prompt\":\"Once\",\"max_tokens\":2}";
    }

    @Test
    void loadsWhatIsAskedForAndUnloadsTheOldest() throws Exception {
        var opened = new ArrayList<String>();
        try (LLM first = Served.demo(); Served served = Served.with(first, b -> {
            for (String name : List.of("a", "b")) {
                b.model(name, () -> {
                    opened.add(name);
                    return Served.demo();
                });
            }
            return b.maxLoadedModels(2).model("broken", LLM.load(Path.of("no-such-model.gguf")));
        })) {
            served.ask(COMPLETIONS, ask("demo"));
            assertEquals(List.of(), opened);
            served.ask(COMPLETIONS, ask("a"));
            served.ask(COMPLETIONS, ask("a"));
            assertEquals(List.of("a"), opened);
            served.ask(COMPLETIONS, ask("b")); // in the place of a: the first is not the server's to close
            served.ask(COMPLETIONS, ask("demo"));
            served.ask(COMPLETIONS, ask("a"));
            assertEquals(List.of("a", "b", "a"), opened);
            assertTrue(served.error(500, COMPLETIONS, ask("broken")).get("message").getAsString().contains("no-such-model.gguf"));
            served.ask(COMPLETIONS, ask("b"));
        }
    }

    /** Where all are in use, and may go when they are not. */
    @Test
    void waitsForRoom() throws Exception {
        try (LLM first = Served.demo();
                Served served = Served.with(first, b -> b.maxLoadedModels(2).model("a", Served::demo).model("b", Served::demo));
                var client = new RawClient(served.server); var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            client.post(COMPLETIONS, "{\"model\":\"a\",\"prompt\":\"Once\",\"max_tokens\":200,\"ignore_eos\":true,\"stream\":true}");
            client.readUntil("\"text\"");
            Future<HttpResponse<String>> other = threads.submit(() -> served.post(COMPLETIONS, ask("b")));
            assertTrue(client.readUntil("[DONE]").contains("\"finish_reason\":\"length\""));
            assertEquals(200, other.get().statusCode(), other.get().body());
        }
        try (LLM first = Served.demo(); Served served = Served.with(first, b -> b.maxLoadedModels(1).model("a", Served::demo))) {
            HttpResponse<String> never = served.post(COMPLETIONS, ask("a"));
            assertEquals(503, never.statusCode());
            assertTrue(never.body().contains("1 may be loaded at once, and so many are pinned or in use"), never.body());
        }
    }

    /** What is needed and what is free is said before a model is loaded, and with what it cannot be loaded for. */
    @Test
    void saysWhatModelsNeed() throws Exception {
        var notices = new CopyOnWriteArrayList<String>();
        try (LLM first = Served.demo(); Served served = Served.with(first, b -> b.notices(notices::add)
                .model("small", LLM.load(DemoModel.path()).threads(1).maxContext(64))
                .model("tight", LLM.load(DemoModel.path()).threads(1).kvCache(1)))) {
            assertEquals(List.of(), notices);
            served.ask(COMPLETIONS, ask("small"));
            assertEquals(2, notices.size(), notices.toString());
            long kv = Long.parseLong(notices.getFirst().replaceFirst(".*one whole context (\\d+)\\).*", "$1"));
            assertTrue(notices.getFirst().matches("loading small, which needs \\d+ MiB \\(weights 14, .*\\), \\d+ MiB are free for the cpu backend"),
                    notices.toString());
            assertEquals(Math.ceilDiv(first.memory().kvLimit() / 64 / 16, 1 << 20), kv, "a context of 64 is a sixteenth of 1024, for one sequence of 64");
            assertTrue(notices.getLast().startsWith("loaded small: "), notices.toString());
            String error = served.error(500, COMPLETIONS, ask("tight")).get("message").getAsString();
            assertTrue(error.contains("no room for the KV cache"), error);
        }
    }

    /** A model that needs more than is free has others go that are not in use, the longest unused first, as long as it takes. */
    @Test
    void makesRoom() throws Exception {
        var unloaded = new ArrayList<String>();
        var notices = new CopyOnWriteArrayList<String>();
        List<ModelSource> sources = Stream.of("a", "b", "c", "large").map(name -> new ModelSource(name, before -> {
            before.accept(new MemoryReport.Forecast("cpu", 0, 0, OptionalLong.of(0)));
            if (name.equals("large")) { // as much as a device has free and one model more
                before.accept(new MemoryReport.Forecast("cpu", 10, 10, OptionalLong.of(19)));
            }
            return Served.demo();
        }, true, name.equals("b"), Map.of())).toList();
        try (var models = new Models(sources, Map.of(), new Loading(9, Duration.ofHours(1), notices::add))) {
            models.loadPinned();
            for (String name : List.of("a", "c", "a")) {
                models.lease(Optional.of(name)).close();
            }
            try (var _ = models.lease(Optional.of("large"))) {
                models.list().stream().filter(m -> m.llm().isEmpty()).forEach(m -> unloaded.add(m.name()));
            }
        }
        assertEquals(List.of("c"), unloaded);
        assertTrue(notices.contains("unloading c, which was not used longest"), notices.toString());
    }

    /** Who waits for a model that takes too long is told so, and the model comes all the same. */
    @Test
    void waitsForModelsAsLongAsIsAllowed() throws Exception {
        var go = new CountDownLatch(1);
        try (LLM first = Served.demo(); Served served = Served.with(first, b -> b.loadTimeout(Duration.ofMillis(1)).model("slow", () -> {
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return Served.demo();
        }))) {
            HttpResponse<String> late = served.post(COMPLETIONS, ask("slow"));
            assertEquals(503, late.statusCode());
            assertTrue(late.headers().firstValue("Retry-After").isPresent() && late.body().contains("still being loaded"), late.body());
            go.countDown();
            while (served.post(COMPLETIONS, ask("slow")).statusCode() != 200) {
                Thread.sleep(5);
            }
        }
    }

    @Test
    void manyClientsAtOnce() throws Exception {
        int clients = 64;
        try (LLM llm = Served.demo(); Served served = Served.with(llm, b -> b); var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var futures = new ArrayList<Future<String>>();
            var wrong = new AtomicInteger();
            for (int i = 0; i < clients; i++) {
                int number = i;
                futures.add(threads.submit((Callable<String>) () -> {
                    String body = "{\"prompt\":\"Once upon a time " + number % 8 + "\",\"max_tokens\":12,\"temperature\":0";
                    if (number % 2 == 0) {
                        return served.ask(COMPLETIONS, body + "}").getAsJsonArray("choices").get(0).getAsJsonObject().get("text").getAsString();
                    }
                    var text = new StringBuilder();
                    served.events(COMPLETIONS, body + ",\"stream\":true}", true)
                            .forEach(e -> text.append(e.getAsJsonArray("choices").get(0).getAsJsonObject().get("text").getAsString()));
                    return text.toString();
                }));
            }
            var byPrompt = new String[8];
            for (int i = 0; i < clients; i++) {
                String text = futures.get(i).get();
                assertFalse(text.isEmpty());
                byPrompt[i % 8] = byPrompt[i % 8] == null ? text : byPrompt[i % 8];
                wrong.addAndGet(byPrompt[i % 8].equals(text) ? 0 : 1);
            }
            assertEquals(0, wrong.get(), "answers do not depend on neighbours, nor on whether they are streamed");
            while (served.server.activeRequests() > 0) {
                Thread.sleep(5);
            }
            assertEquals(0, llm.metrics().usedKvBlocks());
            assertEquals(clients, served.log.size());
        }
    }

    @Test
    void stopsWithGrace() throws Exception {
        try (LLM llm = Served.demo(); Served served = Served.with(llm, b -> b.stopTimeout(Duration.ofHours(1)));
                var client = new RawClient(served.server)) {
            client.post(COMPLETIONS, "{\"prompt\":\"Once\",\"max_tokens\":100,\"ignore_eos\":true,\"stream\":true}");
            client.readUntil("\"text\"");
            Thread stopping = Thread.ofVirtual().start(served.server::close);
            String rest = client.readUntil("[DONE]");
            assertTrue(rest.endsWith("data: [DONE]\n\n\r\n") || rest.contains("[DONE]"), rest);
            stopping.join();
            assertEquals(1, llm.metrics().finishedBy().get(FinishReason.LENGTH));
            assertThrows(IOException.class, () -> served.get("/health"));
            assertFalse(llm.generate("Once", llm.defaults().toBuilder().maxTokens(1).build()).text().isEmpty(), "the model is not the server's");
        }
    }

    @Test
    void stopsWithoutPatience() throws Exception {
        try (LLM llm = Served.demo(); Served served = Served.with(llm, b -> b.stopTimeout(Duration.ZERO));
                var client = new RawClient(served.server)) {
            client.post(COMPLETIONS, "{\"prompt\":\"Once\",\"max_tokens\":1000,\"ignore_eos\":true,\"stream\":true}");
            client.readUntil("\"text\"");
            served.server.close();
            assertFalse(client.readAll().contains("[DONE]"), "what is cut off does not look whole");
            while (llm.metrics().usedKvBlocks() > 0) {
                Thread.sleep(5);
            }
            assertEquals(1, llm.metrics().finishedBy().get(FinishReason.CANCELLED));
        }
    }

    @Test
    void refusesWrongSettings() throws Exception {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> LlmServer.builder().start()).getMessage().contains("no model"));
        assertThrows(IllegalArgumentException.class, () -> LlmServer.builder().port(70_000));
        try (LLM llm = Served.demo()) {
            assertThrows(IllegalArgumentException.class, () -> LlmServer.builder().model("a", llm).model("a", llm).start());
            assertThrows(IllegalArgumentException.class, () -> LlmServer.builder().model("a", llm).alias("b", "c").start());
            assertThrows(IllegalArgumentException.class, () -> LlmServer.builder().model("a", llm).pin("c").start());
            try (LlmServer server = LlmServer.builder().model("a", llm).port(0).start()) {
                assertThrows(BindException.class, () -> LlmServer.builder().model("a", llm).port(server.port()).start());
            }
        }
    }

    @Test
    void pinsAndCloses() throws Exception {
        var opened = new ArrayList<LLM>();
        try (LlmServer server = LlmServer.builder().model("a", () -> {
            opened.add(LLM.load(DemoModel.path()).threads(1).open());
            return opened.getLast();
        }).pin("a").port(0).start()) {
            assertEquals(1, opened.size());
            assertTrue(server.uri().toString().startsWith("http://127.0.0.1:"));
        }
        assertThrows(IllegalStateException.class, () -> opened.getFirst().submit(Request.of("x", SamplingParams.greedy())));
    }

    /** The browser's files and the description are there without a key; so no secret may be in them. */
    @Test
    void describesItself() throws Exception {
        try (LLM llm = Served.demo(); Served served = Served.with(llm, b -> b.apiKeys(List.of("key")).allowAdapterLoading())) {
            HttpResponse<String> description = served.get("/openapi.json");
            assertEquals(200, description.statusCode());
            var paths = JsonParser.parseString(description.body()).getAsJsonObject().getAsJsonObject("paths");
            for (var path : paths.entrySet()) {
                for (String method : path.getValue().getAsJsonObject().keySet()) {
                    String uri = path.getKey().replace("{model}", "demo");
                    HttpResponse<String> reply = method.equals("get") ? served.get(uri, "Authorization", "Bearer key")
                            : served.post(uri, "{}", "Authorization", "Bearer key");
                    assertTrue(method.equals("get") ? reply.statusCode() == 200 : reply.statusCode() == 400, path.getKey() + ": " + reply.body());
                }
            }
            assertTrue(paths.size() >= 14);
        }
    }
}
