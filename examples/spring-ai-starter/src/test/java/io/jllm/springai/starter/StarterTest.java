package io.jllm.springai.starter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.EngineListener;
import io.jllm.LLM;
import io.jllm.RequestOutput;
import io.jllm.demo.DemoModel;
import io.jllm.springai.JllmChatModel;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.WebApplicationType;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Applications that have the starter and set properties. */
class StarterTest {
    @Configuration
    @EnableAutoConfiguration
    static class App {
    }

    private static ConfigurableApplicationContext start(Class<?> app, String... properties) {
        var all = Stream.concat(Stream.of("spring.main.banner-mode=off", "logging.level.root=warn"), Stream.of(properties)).toArray(String[]::new);
        return new SpringApplicationBuilder(app).web(WebApplicationType.NONE).properties(all).run();
    }

    private static ConfigurableApplicationContext demo(Class<?> app, String... more) {
        return start(app, Stream.concat(Stream.of("spring.ai.jllm.model=" + DemoModel.path(), "spring.ai.jllm.model-name=" + DemoModel.NAME,
                "spring.ai.jllm.chat.max-tokens=20", "spring.ai.jllm.chat.temperature=0", "spring.ai.jllm.chat.fallback-template={% for m in messages %}{{ m.content }} {% endfor %}"),
                Stream.of(more)).toArray(String[]::new));
    }

    record Hero(String name, int age) {
    }

    @Test
    void aModelByProperties() {
        LLM llm;
        try (var context = demo(App.class, "spring.ai.jllm.max-sequences=4", "spring.ai.jllm.kv-cache=8MB", "spring.ai.jllm.kv-type=f16",
                "spring.ai.jllm.embedding.dimensions=16", "spring.ai.jllm.chat.stop-sequences=zzz,yyy")) {
            llm = context.getBean(LLM.class);
            assertTrue(llm.memory().kvLimit() <= 8 << 20, llm.memory().toString());
            ChatClient client = context.getBean(ChatClient.Builder.class).build();
            var response = client.prompt("Once upon a time").call().chatResponse();
            assertEquals(20, response.getMetadata().getUsage().getCompletionTokens());
            assertEquals(DemoModel.NAME, response.getMetadata().getModel());
            Hero hero = client.prompt("A hero").options(io.jllm.springai.JllmChatOptions.builder().maxTokens(100)).call().entity(Hero.class);
            assertNotNull(hero.name(), "entities are bound without being asked to");
            assertEquals(16, context.getBean(EmbeddingModel.class).embed("a fox").length);
            assertEquals(List.of("zzz", "yyy"), context.getBean(JllmChatModel.class).getOptions().getStopSequences());
            assertEquals(1, context.getBeanNamesForType(LLM.class).length);
        }
        assertThrows(IllegalStateException.class, () -> llm.generate("x", io.jllm.SamplingParams.greedy()), "closed with the application");
    }

    @Test
    void healthAndMeters() {
        try (var context = demo(App.class)) {
            LLM llm = context.getBean(LLM.class);
            var health = context.getBean(JllmHealthIndicator.class);
            assertEquals(Status.UP, health.health().getStatus());
            assertEquals("cpu", health.health().getDetails().get("backend"));
            context.getBean(ChatClient.Builder.class).build().prompt("Once upon a time").call().content();
            MeterRegistry registry = context.getBean(MeterRegistry.class);
            assertEquals(20, registry.get("vllm:generation_tokens").tag("model", DemoModel.NAME).functionCounter().count());
            assertEquals(1, registry.get("vllm:time_to_first_token").timer().count());
            assertEquals(1, registry.get("gen_ai.client.operation").timer().count());
            llm.close();
            assertEquals(Status.DOWN, health.health().getStatus());
            assertTrue(health.health().getDetails().get("error").toString().contains("closed"), health.health().toString());
        }
        try (var context = demo(App.class, "management.health.jllm.enabled=false")) {
            assertEquals(0, context.getBeanNamesForType(JllmHealthIndicator.class).length);
        }
    }

    @Configuration
    @EnableAutoConfiguration
    static class Changed {
        static final List<Long> FINISHED = Collections.synchronizedList(new ArrayList<>());

        @Bean
        EngineListener counter() {
            return new EngineListener() {
                @Override
                public void finished(RequestOutput output) {
                    FINISHED.add(output.requestId());
                }
            };
        }

        @Bean
        LlmBuilderCustomizer small() {
            return b -> b.maxContext(64);
        }
    }

    @Test
    void theApplicationChangesTheBuilder() {
        try (var context = demo(Changed.class)) {
            assertEquals(64, context.getBean(LLM.class).maxContext());
            context.getBean(ChatModel.class).call("Once upon a time");
            assertEquals(1, Changed.FINISHED.size());
        }
    }

    @Configuration
    @EnableAutoConfiguration
    static class OwnModel {
        @Bean
        LLM mine() {
            return LLM.load(DemoModel.path()).maxContext(32).open();
        }
    }

    @Test
    void anLlmOfTheApplicationIsTaken() {
        try (var context = start(OwnModel.class)) {
            assertEquals(32, context.getBean(LLM.class).maxContext());
            assertSame(context.getBean(ChatModel.class), context.getBean(JllmChatModel.class));
        }
    }

    @Test
    void theModelIsCalledByItsFile() {
        try (var context = demo(App.class, "spring.ai.jllm.model-name=")) {
            String file = DemoModel.path().getFileName().toString();
            assertEquals(file.substring(0, file.length() - ".gguf".length()), context.getBean(JllmChatModel.class).getOptions().getModel());
        }
    }

    @Test
    void nothingIsLoadedForOthers() {
        // Spring AI's builder of clients wants a chat model, of which there is none here.
        try (var context = start(App.class, "spring.ai.model.chat=openai", "spring.ai.model.embedding.text=openai", "spring.ai.chat.client.enabled=false")) {
            assertEquals(0, context.getBeanNamesForType(LLM.class).length);
            assertEquals(0, context.getBeanNamesForType(ChatModel.class).length);
        }
        try (var context = demo(App.class, "spring.ai.model.chat=openai", "spring.ai.chat.client.enabled=false")) {
            assertEquals(0, context.getBeanNamesForType(ChatModel.class).length);
            assertEquals(1, context.getBeanNamesForType(EmbeddingModel.class).length);
        }
    }

    private static FailureAnalysis failure(String... properties) {
        var e = assertThrows(RuntimeException.class, () -> start(App.class, properties).close());
        return assertNotNullAnd(new ModelFailureAnalyzer().analyze(e));
    }

    private static FailureAnalysis assertNotNullAnd(FailureAnalysis analysis) {
        assertNotNull(analysis);
        return analysis;
    }

    @Test
    void whatIsWrongIsSaid() {
        assertTrue(failure().getDescription().contains("spring.ai.jllm.model is not set"));
        FailureAnalysis missing = failure("spring.ai.jllm.model=" + Path.of("no", "such.gguf"));
        assertTrue(missing.getDescription().contains("such.gguf"), missing.getDescription());
        assertFalse(missing.getAction().isEmpty());
    }

    @Test
    void answersComeToTheirEndsWhenItStops() throws InterruptedException {
        var pieces = Collections.synchronizedList(new ArrayList<String>());
        var context = demo(App.class, "spring.ai.jllm.chat.max-tokens=120");
        var stream = context.getBean(JllmChatModel.class).stream(new Prompt("Once upon a time")).doOnNext(r -> pieces.add("x")).last().toFuture();
        while (pieces.isEmpty()) {
            Thread.sleep(1);
        }
        context.close();
        assertTrue(stream.isDone(), "the application waited for it");
        assertEquals("LENGTH", stream.join().getResult().getMetadata().getFinishReason());
    }

    @Test
    void whatTakesTooLongIsCut() throws InterruptedException {
        var pieces = Collections.synchronizedList(new ArrayList<String>());
        var context = demo(App.class, "spring.ai.jllm.chat.max-tokens=2000", "spring.lifecycle.timeout-per-shutdown-phase=50ms");
        var stream = context.getBean(JllmChatModel.class).stream(new Prompt("Once upon a time")).doOnNext(r -> pieces.add("x")).last().toFuture();
        while (pieces.isEmpty()) {
            Thread.sleep(1);
        }
        context.close();
        String reason = stream.join().getResult().getMetadata().getFinishReason();
        assertTrue(List.of("CANCELLED", "LENGTH").contains(reason), reason); // of a machine so fast that it came to its end
    }
}
