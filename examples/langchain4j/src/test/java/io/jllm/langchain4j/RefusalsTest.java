package io.jllm.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.CustomMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import io.jllm.LLM;
import io.jllm.demo.DemoModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What cannot be is refused by name, as LangChain4j's exceptions have it. */
class RefusalsTest {
    private static LLM llm;

    @BeforeAll
    static void open() {
        llm = LLM.load(DemoModel.path()).threads(1).maxSequences(1).maxQueuedRequests(1).open();
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    private static JllmChatModelBuilder<JllmChatModel> builder() {
        return JllmChatModel.builder(llm).chatOptions(AnswersTest.OPTIONS).maxOutputTokens(5);
    }

    private static ChatRequest request(ChatRequestParameters parameters, ChatMessage... messages) {
        List<ChatMessage> said = messages.length == 0 ? List.of(UserMessage.from("Hello")) : List.of(messages);
        return ChatRequest.builder().messages(said).parameters(parameters).build();
    }

    private static <E extends Exception> String refusal(Class<E> type, ChatRequestParameters parameters, ChatMessage... messages) {
        return assertThrows(type, () -> builder().build().chat(request(parameters, messages))).getMessage();
    }

    private static JllmChatRequestParameters.Builder own() {
        return JllmChatRequestParameters.builder();
    }

    @Test
    void parameters() {
        assertTrue(refusal(InvalidRequestException.class, own().temperature(-1.0).build()).contains("temperature"));
        assertTrue(refusal(InvalidRequestException.class, own().minP(2).build()).contains("minP"));
        assertTrue(refusal(InvalidRequestException.class, own().logprobs(1000).build()).contains("logprobs"));
        assertTrue(refusal(InvalidRequestException.class, own().templateVariable("a", "{").build()).contains("variable a"));
        assertTrue(refusal(InvalidRequestException.class, own().toolChoice(ToolChoice.REQUIRED).build()).contains("needs tools"));
        assertTrue(refusal(ModelNotFoundException.class, own().modelName("other").build()).contains("other"));
        var format = ResponseFormat.builder().type(ResponseFormatType.JSON).jsonSchema(JsonSchema.builder().name("x")
                .rootElement(JsonRawSchema.from("{\"not\": {}}")).build()).build();
        assertTrue(refusal(InvalidRequestException.class, own().responseFormat(format).build()).contains("not"));
        assertThrows(InvalidRequestException.class, () -> builder().temperature(-1).build());
        assertThrows(InvalidRequestException.class, () -> builder().defaultRequestParameters(own().responseFormat(format).build()).build());
        assertThrows(ModelNotFoundException.class, () -> builder().defaultRequestParameters(own().modelName("other").build()).build());
    }

    @Test
    void messages() {
        var image = ImageContent.from("AAAA", "image/png");
        var none = own().build();
        String refusal = refusal(UnsupportedFeatureException.class, none, UserMessage.from(TextContent.from("?"), image));
        assertTrue(refusal.contains("not supported, such as image"), refusal);
        var result = ToolExecutionResultMessage.builder().id("1").toolName("photo").contents(image).build();
        assertTrue(refusal(UnsupportedFeatureException.class, none, UserMessage.from("?"), result).contains("non-text content"));
        assertTrue(refusal(UnsupportedFeatureException.class, none, CustomMessage.from(Map.of("a", "b"))).contains("CustomMessage"));
        assertTrue(refusal(InvalidRequestException.class, none, UserMessage.from("tale ".repeat(3000))).contains("tokens"));
        var broken = AiMessage.from(ToolExecutionRequest.builder().id("1").name("roll").arguments("{").build());
        assertTrue(refusal(InvalidRequestException.class, none, UserMessage.from("?"), broken).contains("JSON"));
        assertThrows(UnsupportedFeatureException.class, () -> JllmStreamingChatModel.builder(llm).build()
                .chat(request(none, UserMessage.from(image)), new Heard()), "on the caller's thread");
    }

    @Test
    void severalTextsAreLinesOfOne() {
        var two = request(own().temperature(0.0).build(), UserMessage.from(TextContent.from("Once"), TextContent.from("upon")));
        var one = request(own().temperature(0.0).build(), UserMessage.from("Once\nupon"));
        assertEquals(builder().build().chat(one).aiMessage(), builder().build().chat(two).aiMessage());
    }

    private static Throwable failure(Heard heard) {
        return heard.response.handle((_, error) -> error).join();
    }

    @Test
    void timeAndRoom() {
        var endless = own().maxOutputTokens(900).timeout(Duration.ofNanos(1)).build();
        assertTrue(refusal(TimeoutException.class, endless).contains("timeout"));
        var model = JllmStreamingChatModel.builder(llm).chatOptions(AnswersTest.OPTIONS).build();
        var late = new Heard();
        model.chat(request(endless), late);
        assertInstanceOf(TimeoutException.class, failure(late));
        List<Heard> many = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            many.add(new Heard());
            model.chat(request(own().maxOutputTokens(900).build()), many.getLast());
        }
        var first = CompletableFuture.anyOf(many.stream().map(h -> h.response).toArray(CompletableFuture[]::new));
        assertInstanceOf(RateLimitException.class, assertThrows(CompletionException.class, first::join).getCause());
        many.stream().filter(h -> !h.response.isDone()).forEach(h -> h.handle.thenAccept(handle -> handle.cancel()));
    }

    @Test
    void aClosedModelCancels() {
        LLM brief = LLM.load(DemoModel.path()).threads(1).open();
        var heard = new Heard();
        JllmStreamingChatModel.builder(brief).chatOptions(AnswersTest.OPTIONS).build().chat(request(own().maxOutputTokens(900).build()), heard);
        heard.handle.join();
        brief.close();
        assertInstanceOf(CancellationException.class, failure(heard));
        var after = new Heard();
        JllmStreamingChatModel.builder(brief).chatOptions(AnswersTest.OPTIONS).build().chat(request(own().build()), after);
        assertInstanceOf(IllegalStateException.class, failure(after));
    }
}
