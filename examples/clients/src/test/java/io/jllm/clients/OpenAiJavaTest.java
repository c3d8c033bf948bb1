package io.jllm.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.RequestOptions;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionMessageToolCall;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionTokenLogprob;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import com.openai.models.responses.ToolChoiceOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** OpenAI's client for Java, told to refuse replies that lack a field or have one of another type. */
class OpenAiJavaTest extends ServedTest {
    private static OpenAIClient client;

    /** A tool, as the client makes one of a class. */
    @JsonClassDescription("Rolls a die.")
    static class Roll {
        public int sides;
    }

    /** A schema, as the client makes one of a class. */
    static class Hero {
        public String name;
        public boolean brave;
    }

    @BeforeAll
    static void connect() {
        client = client(KEY);
    }

    private static OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder().baseUrl(base()).apiKey(key).responseValidation(true).maxRetries(0).build();
    }

    @AfterAll
    static void disconnect() {
        client.close();
    }

    private static ChatCompletionCreateParams.Builder chat(String words) {
        return ChatCompletionCreateParams.builder().model(MODEL).addUserMessage(words).maxCompletionTokens(12).temperature(0);
    }

    private static String text(ChatCompletion completion) {
        return completion.choices().getFirst().message().content().orElse("");
    }

    private static <T> List<T> all(StreamResponse<T> stream) {
        try (stream) {
            return stream.stream().collect(Collectors.toList());
        }
    }

    @Test
    void models() {
        List<Model> models = client.models().list().autoPager().stream().toList();
        assertEquals(List.of(MODEL), models.stream().map(Model::id).toList());
        Model one = client.models().retrieve(MODEL);
        one.validate();
        assertTrue(one.created() > 0 && !one.ownedBy().isEmpty());
        assertThrows(NotFoundException.class, () -> client.models().retrieve("none"));
    }

    @Test
    void chats() {
        ChatCompletion completion = client.chat().completions().create(chat("Once upon a time").build());
        assertFalse(text(completion).isBlank());
        var usage = completion.usage().orElseThrow();
        assertEquals(12, usage.completionTokens());
        assertEquals(usage.promptTokens() + usage.completionTokens(), usage.totalTokens());
        assertEquals(ChatCompletion.Choice.FinishReason.LENGTH, completion.choices().getFirst().finishReason());

        // The same seed says the same; another one most likely does not.
        List<String> drawn = List.of(1L, 1L, 2L, 3L, 4L).stream()
                .map(seed -> text(client.chat().completions().create(chat("A dragon").temperature(1).seed(seed).build()))).toList();
        assertEquals(drawn.get(0), drawn.get(1));
        assertTrue(drawn.stream().distinct().count() > 2, drawn.toString());
        assertEquals(3, client.chat().completions().create(chat("A king").n(3).temperature(1).build()).choices().size());
    }

    @Test
    void stops() {
        String whole = text(client.chat().completions().create(chat("Once upon a time").build()));
        String word = whole.strip().split("\\s+")[2];
        ChatCompletion cut = client.chat().completions().create(chat("Once upon a time").stop(word).build());
        assertEquals(whole.substring(0, whole.indexOf(word)), text(cut));
        assertEquals(ChatCompletion.Choice.FinishReason.STOP, cut.choices().getFirst().finishReason());
    }

    @Test
    void streams() {
        ChatCompletionCreateParams params = chat("Once upon a time").logprobs(true).topLogprobs(2)
                .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build()).build();
        List<ChatCompletionChunk> chunks = all(client.chat().completions().createStreaming(params));
        var accumulator = ChatCompletionAccumulator.create();
        chunks.forEach(c -> accumulator.accumulate(c.validate()));
        ChatCompletion streamed = accumulator.chatCompletion();
        ChatCompletion whole = client.chat().completions().create(params);
        assertEquals(text(whole), text(streamed));
        assertEquals(whole.usage().orElseThrow().completionTokens(), streamed.usage().orElseThrow().completionTokens());
        assertEquals(tokens(whole), tokens(streamed));
        assertTrue(chunks.size() > 5);
        assertEquals(1, chunks.stream().map(ChatCompletionChunk::id).distinct().count());
    }

    private static List<String> tokens(ChatCompletion completion) {
        return completion.choices().getFirst().logprobs().orElseThrow().content().orElseThrow().stream()
                .map(ChatCompletionTokenLogprob::token).toList();
    }

    @Test
    void logprobs() {
        ChatCompletion completion = client.chat().completions().create(chat("Once upon a time").logprobs(true).topLogprobs(3).build());
        List<ChatCompletionTokenLogprob> tokens = completion.choices().getFirst().logprobs().orElseThrow().content().orElseThrow();
        assertEquals(12, tokens.size());
        for (ChatCompletionTokenLogprob token : tokens) {
            assertEquals(3, token.topLogprobs().size());
            assertEquals(token.token(), token.topLogprobs().getFirst().token(), "at temperature 0 the likeliest is taken");
            assertTrue(token.logprob() <= 0 && token.logprob() == token.topLogprobs().getFirst().logprob());
        }
        assertEquals(text(completion), String.join("", tokens(completion)));
    }

    private static ChatCompletionMessageFunctionToolCall call(ChatCompletion completion) {
        List<ChatCompletionMessageToolCall> calls = completion.choices().getFirst().message().toolCalls().orElseThrow();
        assertEquals(1, calls.size());
        return calls.getFirst().asFunction();
    }

    @Test
    void tools() {
        ChatCompletionCreateParams.Builder asked = chat("Roll!").addTool(Roll.class).maxCompletionTokens(200).parallelToolCalls(false);
        ChatCompletion first = client.chat().completions()
                .create(asked.toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED).build());
        ChatCompletionMessageFunctionToolCall call = call(first);
        assertEquals("Roll", call.function().name());
        int sides = call.function().arguments(Roll.class).sides;
        assertEquals(ChatCompletion.Choice.FinishReason.TOOL_CALLS, first.choices().getFirst().finishReason());

        var accumulator = ChatCompletionAccumulator.create();
        all(client.chat().completions().createStreaming(asked.build())).forEach(accumulator::accumulate);
        assertEquals(sides, call(accumulator.chatCompletion()).function().arguments(Roll.class).sides);

        ChatCompletion second = client.chat().completions().create(asked.addMessage(first.choices().getFirst().message())
                .addMessage(ChatCompletionToolMessageParam.builder().toolCallId(call.id()).content("4").build())
                .toolChoice(ChatCompletionToolChoiceOption.Auto.NONE).maxCompletionTokens(5).build());
        assertTrue(second.choices().getFirst().message().toolCalls().isEmpty());
    }

    @Test
    void schemas() {
        var structured = client.chat().completions().create(chat("A hero").maxCompletionTokens(300).responseFormat(Hero.class).build());
        Hero hero = structured.choices().getFirst().message().content().orElseThrow();
        assertTrue(hero.name != null);
    }

    @Test
    void completions() {
        Completion completion = client.completions().create(CompletionCreateParams.builder().model(MODEL)
                .promptOfArrayOfStrings(List.of("Once upon a time", "The wolf")).maxTokens(6).temperature(0).echo(true).logprobs(2).build());
        assertEquals(2, completion.choices().size());
        for (CompletionChoice choice : completion.choices()) {
            var logprobs = choice.logprobs().orElseThrow();
            assertEquals(logprobs.tokens().orElseThrow().size(), logprobs.textOffset().orElseThrow().size());
            assertTrue(choice.text().startsWith("Once upon a time") || choice.text().startsWith("The wolf"));
        }
        // To this client every piece must have its reason to end; OpenAI's own have null but for the last.
        List<Completion> pieces = all(client.completions().createStreaming(CompletionCreateParams.builder().model(MODEL)
                .prompt("Once upon a time").maxTokens(6).temperature(0).build(), RequestOptions.builder().responseValidation(false).build()));
        pieces.forEach(p -> p.choices().forEach(c -> assertTrue(c.index() == 0)));
        assertEquals(completion.choices().getFirst().text(),
                "Once upon a time" + pieces.stream().flatMap(p -> p.choices().stream()).map(CompletionChoice::text).collect(Collectors.joining()));
    }

    @Test
    void embeddings() {
        EmbeddingCreateParams.Builder asked = EmbeddingCreateParams.builder().model(MODEL).inputOfArrayOfStrings(List.of("A king.", "A frog."));
        CreateEmbeddingResponse floats = client.embeddings()
                .create(asked.encodingFormat(EmbeddingCreateParams.EncodingFormat.FLOAT).build());
        CreateEmbeddingResponse usual = client.embeddings().create(EmbeddingCreateParams.builder().model(MODEL)
                .inputOfArrayOfStrings(List.of("A king.", "A frog.")).build()); // base64, behind the client's back
        assertEquals(2, floats.data().size());
        assertEquals(floats.data().get(1).embedding(), usual.data().get(1).embedding());
        assertFalse(floats.data().get(0).embedding().equals(floats.data().get(1).embedding()));
        assertEquals(8, client.embeddings().create(asked.dimensions(8).build()).data().getFirst().embedding().size());
        assertTrue(floats.usage().promptTokens() > 0);
    }

    @Test
    void responses() {
        ResponseCreateParams params = ResponseCreateParams.builder().model(MODEL).input("Once upon a time").temperature(0)
                .maxOutputTokens(16).build();
        Response response = client.responses().create(params);
        assertEquals(ResponseStatus.INCOMPLETE, response.status().orElseThrow());
        assertEquals("max_output_tokens", response.incompleteDetails().orElseThrow().reason().orElseThrow().asString());
        assertEquals(16, response.usage().orElseThrow().outputTokens());
        String text = text(response);
        assertFalse(text.isBlank());

        var accumulator = ResponseAccumulator.create();
        List<ResponseStreamEvent> events = all(client.responses().createStreaming(params));
        events.forEach(e -> accumulator.accumulate(e.validate()));
        assertEquals(text, text(accumulator.response()));
        assertEquals(text, events.stream().flatMap(e -> e.outputTextDelta().stream()).map(d -> d.delta()).collect(Collectors.joining()));
    }

    private static String text(Response response) {
        return response.output().stream().flatMap(o -> o.message().stream()).flatMap(m -> m.content().stream())
                .flatMap(c -> c.outputText().stream()).map(t -> t.text()).collect(Collectors.joining());
    }

    @Test
    void responsesWithToolsAndSchemas() {
        Response called = client.responses().create(ResponseCreateParams.builder().model(MODEL).input("Roll!").temperature(0).maxOutputTokens(200)
                .addTool(Roll.class).toolChoice(ToolChoiceOptions.REQUIRED).parallelToolCalls(false).build());
        List<ResponseFunctionToolCall> calls = called.output().stream().flatMap(o -> o.functionCall().stream()).toList();
        assertEquals(List.of("Roll"), calls.stream().map(ResponseFunctionToolCall::name).toList());
        calls.getFirst().arguments(Roll.class);
        var heroes = new ArrayList<Hero>();
        client.responses().create(ResponseCreateParams.builder().model(MODEL).input("A hero").temperature(0).maxOutputTokens(300)
                .text(Hero.class).build())
                .output().forEach(o -> o.message().ifPresent(m -> m.content().forEach(c -> c.outputText().ifPresent(heroes::add))));
        assertEquals(1, heroes.size());
    }

    @Test
    void errors() {
        var wrong = assertThrows(BadRequestException.class, () -> client.chat().completions().create(chat("x").topP(7).build()));
        assertEquals("top_p", wrong.param().orElseThrow());
        assertEquals("invalid_request_error", wrong.type().orElseThrow());
        var none = assertThrows(NotFoundException.class, () -> client.chat().completions().create(chat("x").model("none").build()));
        assertEquals("model_not_found", none.code().orElseThrow());
        var tooLong = assertThrows(BadRequestException.class, () -> client.chat().completions().create(chat("word ".repeat(3000)).build()));
        assertEquals("context_length_exceeded", tooLong.code().orElseThrow());
        assertThrows(BadRequestException.class, () -> all(client.chat().completions().createStreaming(chat("x").topP(7).build())));
        assertThrows(BadRequestException.class, () -> client.chat().completions()
                .create(chat("x").putAdditionalBodyProperty("use_beam_search", JsonValue.from(true)).build()));
        OpenAIClient stranger = client("another");
        assertThrows(UnauthorizedException.class, () -> stranger.models().list());
        stranger.close();
    }

    /** Who closes a stream early frees what it used; {@link #nothingIsInUse} waits for it. */
    @Test
    void leaves() {
        try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(chat("Once").maxCompletionTokens(900)
                .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true)).build())) {
            assertTrue(stream.stream().findFirst().isPresent());
        }
    }
}
