package io.jllm.langchain4j;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.chat.Answer;
import java.util.List;
import java.util.Set;

/**
 * A model of this JVM as LangChain4j's {@link ChatModel}. Safe for all threads: calls join the engine's batch, and wait for room where its queue is
 * full. The {@link LLM} stays the caller's, who closes it.
 *
 * <p>{@snippet :
 * ChatModel model = JllmChatModel.builder(llm).temperature(0.7).build();
 * String answer = model.chat("Who wrote Faust?");
 * }
 *
 * <p>Requests that cannot be answered are {@link dev.langchain4j.exception.InvalidRequestException}s (a parameter out of its range, a schema that is
 * not supported, a conversation that the chat template refuses or that is too long), what is no text is an
 * {@link dev.langchain4j.exception.UnsupportedFeatureException}, an unknown {@code modelName} a
 * {@link dev.langchain4j.exception.ModelNotFoundException}. A thread that is interrupted cancels its request and gets a
 * {@link java.util.concurrent.CancellationException}.
 */
public final class JllmChatModel implements ChatModel {
    private final ChatSettings settings;

    JllmChatModel(ChatSettings settings) {
        this.settings = settings;
    }

    /** Settings for a model; each has a default. */
    public static JllmChatModelBuilder<JllmChatModel> builder(LLM llm) {
        return new JllmChatModelBuilder<>(llm, JllmChatModel::new);
    }

    @Override
    public ChatResponse doChat(ChatRequest request) {
        ChatAsk ask = settings.ask(request);
        Request.Chat chat = ask.prepare();
        RequestOutput output = Failures.check(ask.llm().generate(List.of(chat.request())).getFirst(), ask);
        Answer answer = chat.answer(output.outputs().getFirst());
        return Answers.response(ask, ask.oneCall() ? Answers.firstCall(answer) : answer, chat.finishReason(answer, output.finishReason()), output);
    }

    @Override
    public ChatRequestParameters defaultRequestParameters() {
        return settings.defaults();
    }

    @Override
    public List<ChatModelListener> listeners() {
        return settings.listeners();
    }

    @Override
    public Set<Capability> supportedCapabilities() {
        return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
    }
}
