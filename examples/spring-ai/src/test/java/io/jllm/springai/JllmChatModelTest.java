package io.jllm.springai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import io.jllm.demo.DemoModel;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.Media;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.util.MimeTypeUtils;
import reactor.core.publisher.BaseSubscriber;

class JllmChatModelTest {
    private static LLM llm;

    @BeforeAll
    static void open() {
        llm = Talks.open();
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    /** Takes as many as it is told to. */
    private static final class Slow extends BaseSubscriber<ChatResponse> {
        private final StringBuffer text = new StringBuffer();
        private final CountDownLatch end = new CountDownLatch(1);

        @Override
        protected void hookOnSubscribe(Subscription subscription) {
            request(2);
        }

        @Override
        protected void hookOnNext(ChatResponse value) {
            text.append(value.getResult().getOutput().getText());
        }

        @Override
        protected void hookOnComplete() {
            end.countDown();
        }
    }

    @Test
    void aSlowSubscriberPausesItsRequest() throws InterruptedException {
        JllmChatModel model = Talks.model(llm).build();
        var prompt = new Prompt("Once upon a time", Talks.greedy(300).build());
        var slow = new Slow();
        model.stream(prompt).subscribe(slow);
        Talks.await(llm, m -> m.paused() == 1);
        long generated = llm.metrics().generatedTokens();
        assertTrue(slow.text.length() < 100, slow.text.toString());
        String other = model.call(prompt).getResult().getOutput().getText(); // another one is not held up
        assertEquals(1, llm.metrics().paused());
        assertTrue(generated < 300, generated + " tokens for a reader of two");
        slow.requestUnbounded();
        slow.end.await();
        assertEquals(other, slow.text.toString());
    }

    @Test
    void eachSubscriberHasItsOwnRequest() {
        var stream = Talks.model(llm).build().stream(new Prompt("Once upon a time"));
        long before = llm.metrics().finished();
        assertEquals(stream.collectList().block().size(), stream.collectList().block().size());
        assertEquals(before + 2, llm.metrics().finished());
    }

    @Test
    void observations() {
        var seen = new CopyOnWriteArrayList<ChatModelObservationContext>();
        ObservationRegistry registry = ObservationRegistry.create();
        registry.observationConfig().observationHandler(new ObservationHandler<ChatModelObservationContext>() {
            @Override
            public void onStop(ChatModelObservationContext context) {
                seen.add(context);
            }

            @Override
            public boolean supportsContext(Observation.Context context) {
                return context instanceof ChatModelObservationContext;
            }
        });
        JllmChatModel model = Talks.model(llm).observationRegistry(registry).build();
        model.call(new Prompt("Once upon a time"));
        model.stream(new Prompt("Once upon a time")).blockLast();
        assertThrows(IllegalArgumentException.class, () -> model.call(new Prompt("x", Talks.greedy(5).topP(7.0).build())));
        assertThrows(IllegalArgumentException.class, () -> model.stream(new Prompt("x", Talks.greedy(5).topP(7.0).build())).blockLast());
        assertEquals(4, seen.size());
        for (ChatModelObservationContext c : seen.subList(0, 2)) {
            assertEquals("chat " + Talks.NAME, c.getContextualName());
            assertEquals("jllm", c.getLowCardinalityKeyValue("gen_ai.system").getValue());
            assertEquals("24", c.getHighCardinalityKeyValue("gen_ai.usage.output_tokens").getValue());
            assertEquals("24", c.getHighCardinalityKeyValue("gen_ai.request.max_tokens").getValue());
        }
        assertEquals(List.of(true, true), seen.subList(2, 4).stream().map(c -> c.getError() instanceof IllegalArgumentException).toList());
    }

    @Test
    void theUsageHasTheTimes() {
        var usage = Talks.model(llm).build().call(new Prompt("Once upon a time")).getMetadata().getUsage();
        assertTrue(usage.getNativeUsage() instanceof RequestOutput.Metrics m && m.timeToFirstToken().isPositive());
        assertTrue(usage.getCacheReadInputTokens() >= 0);
    }

    private static void refused(String words, Prompt prompt) {
        JllmChatModel model = Talks.model(llm).build();
        String whole = assertThrows(IllegalArgumentException.class, () -> model.call(prompt)).getMessage();
        String streamed = assertThrows(IllegalArgumentException.class, () -> model.stream(prompt).blockLast()).getMessage();
        assertTrue(whole.contains(words), whole);
        assertEquals(whole, streamed);
    }

    @Test
    void whatCannotBeDoneIsRefusedByName() {
        refused("model is gpt-4o", new Prompt("x", ChatOptions.builder().model("gpt-4o").build()));
        refused("temperature", new Prompt("x", ChatOptions.builder().temperature(-1.0).build()));
        refused("minP", new Prompt("x", JllmChatOptions.builder().minP(2.0).build()));
        refused("uniqueItems", new Prompt("x", JllmChatOptions.builder().outputSchema("{\"type\": \"array\", \"uniqueItems\": true}").build()));
        var image = Media.builder().mimeType(MimeTypeUtils.IMAGE_PNG).data(new ByteArrayResource(new byte[] {1})).build();
        refused("image/png", new Prompt(UserMessage.builder().text("What is this?").media(image).build()));
        refused("messages", new Prompt("x", JllmChatOptions.builder().templateVariable("messages", "[]").build()));
    }

    @Test
    void optionsOfOthersCount() {
        String text = Talks.model(llm).build().call(new Prompt("Once upon a time", ChatOptions.builder().temperature(0.0).maxTokens(5).build())).getResult()
                .getOutput().getText();
        String whole = Talks.model(llm).build().call(new Prompt("Once upon a time")).getResult().getOutput().getText();
        assertTrue(whole.startsWith(text) && text.length() < whole.length(), text + " / " + whole);
    }

    @Test
    void optionsAreTakenOver() {
        JllmChatOptions all = Talks.greedy(9).seed(3L).minP(0.1).repetitionPenalty(1.1).logprobs(2).thinking(false).strictTools(true).priority(4)
                .timeout(java.time.Duration.ofSeconds(9)).outputSchema("{}").toolChoice(io.jllm.chat.ToolChoice.none()).build();
        assertEquals(all, all.mutate().build());
        assertEquals(all, JllmChatOptions.builder().combineWith(all.mutate()).build());
        assertEquals(all.hashCode(), all.mutate().clone().build().hashCode());
        assertEquals(8L, all.mutate().combineWith(JllmChatOptions.builder().seed(8L)).build().getSeed());
        assertEquals(9, all.mutate().combineWith(ChatOptions.builder().topK(5)).build().getMaxTokens());
        assertEquals("false", all.getTemplateVariables().get("enable_thinking"));
    }

    @Test
    void resultsOfToolsGoBack() {
        var call = new AssistantMessage.ToolCall("c1", "function", "look", "{}");
        var messages = List.<org.springframework.ai.chat.messages.Message>of(new UserMessage("Look"),
                AssistantMessage.builder().content("").toolCalls(List.of(call)).build(),
                ToolResponseMessage.builder().responses(List.of(new ToolResponseMessage.ToolResponse("c1", "look", "a fox"))).build());
        var asked = new ChatRequests(llm, Talks.NAME, Talks.options(), org.springframework.ai.model.tool.ToolCallingManager.builder().build())
                .of(new Prompt(messages, Talks.greedy(5).toolChoice(io.jllm.chat.ToolChoice.required()).build()));
        assertEquals("a fox", asked.messages().getLast().content());
        assertEquals("c1", asked.messages().getLast().toolCallId().orElseThrow());
        assertEquals("look", asked.messages().get(1).toolCalls().getFirst().name());
        assertEquals(io.jllm.chat.ToolChoice.auto(), asked.options().toolChoice());
    }

    @Test
    void aFullQueueRefusesStreams() throws InterruptedException {
        try (LLM small = LLM.load(DemoModel.path()).maxSequences(1).maxQueuedRequests(1).open()) {
            JllmChatModel model = Talks.model(small).build();
            var prompt = new Prompt("Once upon a time", Talks.greedy(400).build());
            var slow = new Slow();
            model.stream(prompt).subscribe(slow);
            Talks.await(small, m -> m.paused() == 1 || m.running() == 1);
            var streams = new ArrayList<Slow>();
            for (int i = 0; i < 3; i++) {
                streams.add(new Slow());
            }
            var errors = new ArrayList<Throwable>();
            streams.forEach(s -> model.stream(prompt).doOnError(errors::add).onErrorComplete().subscribe(s));
            assertTrue(errors.stream().anyMatch(RequestRejectedException.class::isInstance), errors.toString());
            slow.cancel();
            streams.forEach(BaseSubscriber::cancel);
        }
    }
}
