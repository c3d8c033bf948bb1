package io.jllm.clients;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;
import org.springframework.ai.openai.OpenAiEmbeddingModel;
import org.springframework.ai.openai.OpenAiEmbeddingOptions;
import org.springframework.ai.tool.function.FunctionToolCallback;

/** Spring AI's models for OpenAI's protocol. */
class SpringAiTest extends ServedTest {
    /** What the tool takes. */
    record Roll(int sides) {
    }

    private static OpenAiChatOptions.Builder options() {
        var builder = OpenAiChatOptions.builder();
        builder.baseUrl(base()).apiKey(KEY).model(MODEL).maxRetries(0).temperature(0.0).maxCompletionTokens(12);
        return builder;
    }

    private static ChatResponse chat(OpenAiChatOptions options, String words) {
        return OpenAiChatModel.builder().options(options).build().call(new Prompt(words, options));
    }

    private static List<ChatResponse> stream(OpenAiChatOptions options, String words) {
        return OpenAiChatModel.builder().options(options).build().stream(new Prompt(words, options)).collectList().block();
    }

    private static String text(ChatResponse response) {
        return response.getResult().getOutput().getText();
    }

    @Test
    void chatsAndStreams() {
        ChatResponse response = chat(options().build(), "Once upon a time");
        assertFalse(text(response).isBlank());
        assertEquals("LENGTH", response.getResult().getMetadata().getFinishReason());
        assertEquals(12, response.getMetadata().getUsage().getCompletionTokens());
        assertEquals(MODEL, response.getMetadata().getModel());

        var withUsage = options();
        withUsage.streamUsage(true);
        List<ChatResponse> pieces = stream(withUsage.build(), "Once upon a time");
        assertTrue(pieces.size() > 5);
        assertEquals(text(response), pieces.stream().filter(p -> p.getResult() != null && text(p) != null).map(SpringAiTest::text)
                .collect(Collectors.joining()));
        assertEquals(12, pieces.getLast().getMetadata().getUsage().getCompletionTokens());
    }

    @Test
    void stopsAndSeeds() {
        String whole = text(chat(options().build(), "Once upon a time"));
        String word = whole.strip().split("\\s+")[2];
        var stopped = options();
        stopped.stop(List.of(word));
        assertEquals(whole.substring(0, whole.indexOf(word)), text(chat(stopped.build(), "Once upon a time")));
        var drawn = options();
        drawn.seed(42).temperature(1.0);
        assertEquals(text(chat(drawn.build(), "A dragon")), text(chat(drawn.build(), "A dragon")));
    }

    @Test
    void callsTools() {
        var tool = FunctionToolCallback.builder("roll", (Roll roll) -> "4").description("Rolls a die.").inputType(Roll.class)
                .inputSchema("{\"type\":\"object\",\"properties\":{\"sides\":{\"type\":\"integer\"}},\"required\":[\"sides\"],\"additionalProperties\":false}").build();
        var options = options();
        options.toolCallbacks(List.of(tool)).maxCompletionTokens(200);
        options.toolChoice("required").parallelToolCalls(false);
        for (ChatResponse response : List.of(chat(options.build(), "Roll!"), last(stream(options.build(), "Roll!")))) {
            List<AssistantMessage.ToolCall> calls = response.getResult().getOutput().getToolCalls();
            assertEquals(List.of("roll"), calls.stream().map(AssistantMessage.ToolCall::name).toList());
            assertTrue(calls.getFirst().arguments().matches("\\{\\s*\"sides\"\\s*:\\s*-?\\d+\\s*\\}"), calls.getFirst().arguments());
            assertEquals("TOOL_CALLS", response.getResult().getMetadata().getFinishReason());
        }
    }

    private static ChatResponse last(List<ChatResponse> pieces) {
        return pieces.stream().filter(ChatResponse::hasToolCalls).reduce((_, b) -> b).orElseThrow();
    }

    @Test
    void keepsSchemas() {
        var options = options();
        options.maxCompletionTokens(200).responseFormat(OpenAiChatModel.ResponseFormat.builder().type(OpenAiChatModel.ResponseFormat.Type.JSON_SCHEMA)
                .jsonSchema("{\"type\":\"object\",\"properties\":{\"age\":{\"type\":\"integer\"}},\"required\":[\"age\"],\"additionalProperties\":false}").build());
        String json = text(chat(options.build(), "How old?"));
        assertTrue(json.matches("\\{\\s*\"age\"\\s*:\\s*-?\\d+\\s*\\}"), json);
    }

    @Test
    void embeds() {
        var options = OpenAiEmbeddingOptions.builder();
        options.baseUrl(base()).apiKey(KEY).model(MODEL);
        var model = new OpenAiEmbeddingModel(options.build());
        List<float[]> both = model.embed(List.of("A king.", "A frog."));
        assertEquals(2, both.size());
        assertArrayEquals(both.getFirst(), model.embed("A king."));
    }

    @Test
    void hearsOfErrors() {
        var unknown = options();
        unknown.model("none");
        assertThrows(NotFoundException.class, () -> chat(unknown.build(), "x"));
        var wrong = options();
        wrong.topP(7.0);
        assertThrows(BadRequestException.class, () -> chat(wrong.build(), "x"));
        assertThrows(Exception.class, () -> stream(wrong.build(), "x"));
    }

    /** Who has enough frees what it used; {@link #nothingIsInUse} waits for it. */
    @Test
    void cancels() {
        var options = options();
        options.maxCompletionTokens(900);
        assertTrue(OpenAiChatModel.builder().options(options.build()).build().stream(new Prompt("Once upon a time", options.build())).take(2).collectList()
                .block().size() == 2);
    }
}
