package io.jllm.springai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.chat.ToolChoice;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.AdvisorParams;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.client.advisor.MessageChatMemoryAdvisor;
import org.springframework.ai.chat.memory.ChatMemory;
import org.springframework.ai.chat.memory.MessageWindowChatMemory;
import org.springframework.ai.chat.messages.MessageType;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.core.ParameterizedTypeReference;

/** Everything that applications do with a {@link ChatClient}, over the demo model. */
class ChatClientTest {
    private static LLM llm;

    @BeforeAll
    static void open() {
        llm = Talks.open();
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    private static ChatClient client() {
        return ChatClient.create(Talks.model(llm).build());
    }

    private static int[] tokens(String prompt) {
        return llm.tokenizer().encode(prompt, false, false);
    }

    private static String generated(String prompt, SamplingParams params) {
        return llm.generate(List.of(Prompt.ofTokens(tokens(prompt))), params).getFirst().text();
    }

    private static String expected(String said, int tokens) {
        return generated(said + " ", SamplingParams.greedy().toBuilder().maxTokens(tokens).build());
    }

    @Test
    void text() {
        ChatResponse response = client().prompt("Once upon a time").call().chatResponse();
        assertEquals(expected("Once upon a time", 24), response.getResult().getOutput().getText());
        assertEquals("LENGTH", response.getResult().getMetadata().getFinishReason());
        assertEquals(24, response.getMetadata().getUsage().getCompletionTokens());
        int prompt = tokens("Once upon a time ").length;
        assertEquals(prompt, response.getMetadata().getUsage().getPromptTokens());
        assertEquals(prompt + 24, response.getMetadata().getUsage().getTotalTokens());
        assertEquals(Talks.NAME, response.getMetadata().getModel());
        assertTrue(response.getMetadata().getId().matches("jllm-\\d+"), response.getMetadata().getId());
    }

    @Test
    void optionsOfOnePrompt() {
        String said = "The old king";
        assertEquals(expected(said, 7), client().prompt(said).options(JllmChatOptions.builder().maxTokens(7)).call().content());
        var sampled = JllmChatOptions.builder().temperature(1.5).seed(7L).maxTokens(30);
        String drawn = client().prompt(said).options(sampled).call().content();
        assertEquals(drawn, client().prompt(said).options(sampled).call().content());
        assertEquals(generated(said + " ", SamplingParams.builder().temperature(1.5).seed(7).maxTokens(30).build()), drawn);
        String stopped = client().prompt(said).options(JllmChatOptions.builder().stopSequences(List.of("e"))).call().content();
        assertEquals(expected(said, 24).split("e", 2)[0], stopped);
        List<?> logprobs = client().prompt(said).options(JllmChatOptions.builder().logprobs(3)).call().chatResponse().getResult().getMetadata()
                .get(JllmChatModel.LOGPROBS);
        assertEquals(24, logprobs.size());
    }

    @Test
    void stream() {
        List<ChatResponse> all = client().prompt("Once upon a time").stream().chatResponse().collectList().block();
        assertTrue(all.size() > 10, all.size() + " responses");
        var text = new StringBuilder();
        all.forEach(r -> text.append(r.getResult().getOutput().getText()));
        assertEquals(expected("Once upon a time", 24), text.toString());
        ChatResponse last = all.getLast();
        assertEquals("LENGTH", last.getResult().getMetadata().getFinishReason());
        assertEquals(24, last.getMetadata().getUsage().getCompletionTokens());
        assertEquals(1, all.stream().filter(r -> r.getMetadata().getUsage().getTotalTokens() > 0).count());
        assertEquals(1, all.stream().map(r -> r.getMetadata().getId()).distinct().count());
    }

    @Test
    void aCancelledSubscriptionFreesTheSequence() throws InterruptedException {
        List<String> some = client().prompt("Once upon a time").options(JllmChatOptions.builder().maxTokens(400)).stream().content().take(3)
                .collectList().block();
        assertEquals(3, some.size());
        Talks.await(llm, m -> m.running() == 0 && m.waiting() == 0 && m.usedKvBlocks() == 0);
        assertTrue(llm.metrics().finishedBy().get(io.jllm.FinishReason.CANCELLED) >= 1);
    }

    /** Says how warm it is, and remembers whom it told. */
    static final class Weather {
        private final List<String> asked = new ArrayList<>();

        /** Two cities, so that arguments of the schema can be checked. */
        enum City { OSLO, ROME }

        @Tool(description = "The temperature in a city now")
        String temperature(City city, long day) {
            asked.add(city + " " + day);
            return city == City.OSLO ? "three below zero" : "twenty-one";
        }
    }

    @Test
    void toolsThroughTheAdvisor() {
        var weather = new Weather();
        ChatResponse response = client().prompt("How cold is it?").options(JllmChatOptions.builder().toolChoice(ToolChoice.named("temperature")).maxTokens(200))
                .tools(weather).call().chatResponse();
        assertEquals(1, weather.asked.size());
        assertTrue(weather.asked.getFirst().matches("(OSLO|ROME) -?\\d+"), weather.asked.getFirst());
        assertFalse(response.hasToolCalls());
        assertFalse(response.getResult().getOutput().getText().isEmpty());
        assertEquals("LENGTH", response.getResult().getMetadata().getFinishReason());
    }

    @Test
    void toolsOfAStream() {
        var weather = new Weather();
        List<ChatResponse> all = client().prompt("How cold is it?").options(JllmChatOptions.builder().toolChoice(ToolChoice.required()).maxTokens(60))
                .tools(weather).stream().chatResponse().collectList().block();
        assertTrue(!weather.asked.isEmpty());
        assertTrue(all.stream().noneMatch(ChatResponse::hasToolCalls), "calls are for the advisor");
        assertTrue(all.stream().anyMatch(r -> !r.getResult().getOutput().getText().isEmpty()));
    }

    /** What the advisor has run stands in the prompt of the next round, with the id of its call. */
    @Test
    void callsForWhoeverRunsThemHimself() {
        var client = ChatClient.builder(Talks.model(llm).build()).defaultAdvisors(AdvisorParams.toolCallingAdvisorAutoRegister(false)).build();
        var weather = new Weather();
        ChatResponse response = client.prompt("How cold is it?").options(JllmChatOptions.builder().toolChoice(ToolChoice.named("temperature")).maxTokens(200))
                .tools(weather).call().chatResponse();
        assertTrue(response.hasToolCalls());
        var call = response.getResult().getOutput().getToolCalls().getFirst();
        assertEquals("temperature", call.name());
        assertFalse(call.id().isBlank());
        assertTrue(io.jllm.constraint.Constraint.jsonSchema("{\"type\": \"object\", \"properties\": {\"city\": {\"enum\": [\"OSLO\", \"ROME\"]}, "
                + "\"day\": {\"type\": \"integer\"}}, \"required\": [\"city\", \"day\"]}").accepts(call.arguments()), call.arguments());
        assertEquals("TOOL_CALLS", response.getResult().getMetadata().getFinishReason());
        assertTrue(weather.asked.isEmpty());
    }

    record Item(String name, int count, Optional<Double> price) {
    }

    enum Mood { MERRY, GRIM }

    record Tale(String title, Mood mood, LocalDate written, List<Item> items, UUID id, long length) {
    }

    @Test
    void entitiesAlwaysParse() {
        for (long seed = 0; seed < 12; seed++) {
            var options = JllmChatOptions.builder().temperature(1.2).seed(seed).maxTokens(500);
            Tale tale = client().prompt("A tale of " + seed).options(options).call().entity(Tale.class, e -> e.useProviderStructuredOutput());
            assertNotNull(tale.title());
            assertNotNull(tale.mood());
            assertNotNull(tale.written());
        }
        var bound = ChatClient.builder(Talks.model(llm).build()).defaultAdvisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT).build();
        Item item = bound.prompt("A thing").options(JllmChatOptions.builder().temperature(2.0).maxTokens(100)).call().entity(Item.class);
        assertNotNull(item.name());
    }

    /** A model that has tools may call them first, whatever the schema of its answer. */
    @Test
    void entitiesOfAModelThatHasTools() {
        var bound = ChatClient.builder(Talks.model(llm).build()).defaultAdvisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT).build();
        var weather = new Weather();
        for (long seed = 0; seed < 20; seed++) {
            var options = JllmChatOptions.builder().temperature(2.0).seed(seed).maxTokens(200);
            assertNotNull(bound.prompt("How cold is it?").options(options).tools(weather).call().entity(Item.class).name());
        }
        weather.asked.forEach(call -> assertTrue(call.matches("(OSLO|ROME) -?\\d+"), call));
    }

    record Plan(LocalDateTime begins, LocalTime rings, Map<String, Boolean> done, short hands) {
    }

    @Test
    void entitiesWhoseSchemaSpringAiLeavesOpen() {
        for (long seed = 0; seed < 6; seed++) {
            var options = JllmChatOptions.builder().temperature(1.5).seed(seed).maxTokens(300);
            Plan plan = client().prompt("A plan").options(options).call().entity(JllmOutputConverter.of(Plan.class), e -> e.useProviderStructuredOutput());
            assertNotNull(plan.begins());
            assertNotNull(plan.done());
        }
        var numbers = client().prompt("Numbers").options(JllmChatOptions.builder().maxTokens(100)).call()
                .entity(JllmOutputConverter.of(new ParameterizedTypeReference<List<Integer>>() { }), e -> e.useProviderStructuredOutput());
        assertNotNull(numbers);
    }

    @Test
    void theMemoryAdvisorRemembers() {
        ChatMemory memory = MessageWindowChatMemory.builder().maxMessages(10).build();
        ChatClient client = ChatClient.builder(Talks.model(llm).build()).defaultAdvisors(MessageChatMemoryAdvisor.builder(memory).build()).build();
        String first = client.prompt("Once upon a time").advisors(a -> a.param(ChatMemory.CONVERSATION_ID, "one")).call().content();
        ChatResponse second = client.prompt("And then").advisors(a -> a.param(ChatMemory.CONVERSATION_ID, "one")).call().chatResponse();
        assertEquals(List.of(MessageType.USER, MessageType.ASSISTANT, MessageType.USER, MessageType.ASSISTANT),
                memory.get("one").stream().map(m -> m.getMessageType()).toList());
        String all = "Once upon a time " + first + " And then ";
        assertEquals(tokens(all).length, second.getMetadata().getUsage().getPromptTokens());
        assertEquals(expected("Once upon a time " + first + " And then", 24), second.getResult().getOutput().getText());
        String streamed = String.join("", client.prompt("And then").advisors(a -> a.param(ChatMemory.CONVERSATION_ID, "two")).stream().content()
                .collectList().block());
        assertEquals(streamed, memory.get("two").getLast().getText());
    }
}
