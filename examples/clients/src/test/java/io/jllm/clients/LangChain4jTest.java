package io.jllm.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** LangChain4j's models for OpenAI's protocol. */
class LangChain4jTest extends ServedTest {
    private static final ToolSpecification ROLL = ToolSpecification.builder().name("roll").description("Rolls a die.")
            .parameters(JsonObjectSchema.builder().addIntegerProperty("sides").required("sides").build()).build();

    private static OpenAiChatModel.OpenAiChatModelBuilder model() {
        return OpenAiChatModel.builder().baseUrl(base()).apiKey(KEY).modelName(MODEL).temperature(0.0).maxCompletionTokens(12).maxRetries(0);
    }

    private static OpenAiStreamingChatModel streaming(int tokens) {
        return OpenAiStreamingChatModel.builder().baseUrl(base()).apiKey(KEY).modelName(MODEL).temperature(0.0)
                .maxCompletionTokens(tokens).parallelToolCalls(false).build();
    }

    private static ChatRequest.Builder said(String words) {
        return ChatRequest.builder().messages(UserMessage.from(words));
    }

    /** What came of a stream, and its pieces put together. */
    private static final class Heard implements StreamingChatResponseHandler {
        private final StringBuffer pieces = new StringBuffer();
        private final CompletableFuture<ChatResponse> whole = new CompletableFuture<>();

        @Override
        public void onPartialResponse(String piece) {
            pieces.append(piece);
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            whole.complete(response);
        }

        @Override
        public void onError(Throwable error) {
            whole.completeExceptionally(error);
        }
    }

    @Test
    void chatsAndStreams() throws Exception {
        ChatResponse response = model().build().chat(said("Once upon a time").build());
        assertFalse(response.aiMessage().text().isBlank());
        assertEquals(FinishReason.LENGTH, response.finishReason());
        assertEquals(12, response.tokenUsage().outputTokenCount());
        assertEquals(response.tokenUsage().inputTokenCount() + 12, response.tokenUsage().totalTokenCount());
        assertEquals(MODEL, response.modelName());
        assertFalse(response.id().isBlank());

        var heard = new Heard();
        streaming(12).chat(said("Once upon a time").build(), heard);
        ChatResponse streamed = heard.whole.get();
        assertEquals(response.aiMessage().text(), streamed.aiMessage().text());
        assertEquals(streamed.aiMessage().text(), heard.pieces.toString());
        assertEquals(response.tokenUsage().outputTokenCount(), streamed.tokenUsage().outputTokenCount());
        assertEquals(FinishReason.LENGTH, streamed.finishReason());
    }

    @Test
    void stopsAndSeeds() {
        String whole = model().build().chat("Once upon a time");
        String word = whole.strip().split("\\s+")[2];
        assertEquals(whole.substring(0, whole.indexOf(word)), model().stop(List.of(word)).build().chat("Once upon a time"));
        assertEquals(model().temperature(1.0).seed(42).build().chat("A dragon"), model().temperature(1.0).seed(42).build().chat("A dragon"));
    }

    @Test
    void callsTools() throws Exception {
        ChatRequest asked = said("Roll!").toolSpecifications(ROLL).toolChoice(ToolChoice.REQUIRED).build();
        AiMessage called = model().maxCompletionTokens(200).parallelToolCalls(false).build().chat(asked).aiMessage();
        assertEquals(1, called.toolExecutionRequests().size());
        ToolExecutionRequest call = called.toolExecutionRequests().getFirst();
        assertEquals("roll", call.name());
        assertTrue(call.arguments().matches("(?s)\\{.*\"sides\"\\s*:\\s*-?\\d+.*\\}"), call.arguments());
        assertFalse(call.id().isBlank());

        var heard = new Heard();
        streaming(200).chat(asked, heard);
        ChatResponse streamed = heard.whole.get();
        assertEquals(FinishReason.TOOL_EXECUTION, streamed.finishReason());
        assertEquals(call.arguments(), streamed.aiMessage().toolExecutionRequests().getFirst().arguments());

        ChatResponse after = model().build().chat(ChatRequest.builder()
                .messages(UserMessage.from("Roll!"), called, ToolExecutionResultMessage.from(call, "4"))
                .toolSpecifications(ROLL).toolChoice(ToolChoice.NONE).build());
        assertFalse(after.aiMessage().hasToolExecutionRequests());
    }

    @Test
    void keepsSchemas() {
        var schema = JsonSchema.builder().name("age")
                .rootElement(JsonObjectSchema.builder().addIntegerProperty("age").required("age").additionalProperties(false).build()).build();
        String json = model().maxCompletionTokens(200).strictJsonSchema(true).build().chat(said("How old?")
                .responseFormat(ResponseFormat.builder().type(ResponseFormatType.JSON).jsonSchema(schema).build()).build()).aiMessage().text();
        assertTrue(json.matches("\\{\\s*\"age\"\\s*:\\s*-?\\d+\\s*\\}"), json);
    }

    @Test
    void embeds() {
        OpenAiEmbeddingModel model = OpenAiEmbeddingModel.builder().baseUrl(base()).apiKey(KEY).modelName(MODEL).build();
        List<Embedding> both = model.embedAll(List.of(TextSegment.from("A king."), TextSegment.from("A frog."))).content();
        assertEquals(2, both.size());
        assertEquals(both.getFirst(), model.embed("A king.").content());
        assertFalse(both.getFirst().equals(both.getLast()));
    }

    @Test
    void hearsOfErrors() {
        assertThrows(ModelNotFoundException.class, () -> model().modelName("none").build().chat("x"));
        assertThrows(InvalidRequestException.class, () -> model().topP(7.0).build().chat("x"));
        var heard = new Heard();
        streaming(5).chat(said("word ".repeat(3000)).build(), heard);
        assertTrue(assertThrows(Exception.class, heard.whole::get).getCause() instanceof InvalidRequestException);
    }

    /** What is cancelled frees what it used; {@link #nothingIsInUse} waits for it. */
    @Test
    void cancels() throws Exception {
        var cancelled = new CountDownLatch(1);
        streaming(900).chat(said("Once upon a time").build(), new StreamingChatResponseHandler() {
            @Override
            public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
                context.streamingHandle().cancel();
                cancelled.countDown();
            }

            @Override
            public void onCompleteResponse(ChatResponse response) {
                cancelled.countDown();
            }

            @Override
            public void onError(Throwable error) {
                cancelled.countDown();
            }
        });
        cancelled.await();
    }
}
