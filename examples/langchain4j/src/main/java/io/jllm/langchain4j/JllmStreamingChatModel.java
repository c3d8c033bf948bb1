package io.jllm.langchain4j;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import io.jllm.LLM;
import java.util.List;
import java.util.Set;

/**
 * A model of this JVM as LangChain4j's {@link StreamingChatModel}. Safe for all threads. The {@link LLM} stays the caller's, who closes it.
 *
 * <p>A request that asks for what is not there is refused on the thread that asks, with the exceptions that {@link JllmChatModel} names. All
 * callbacks of a request come from one virtual thread of its own, never the caller's; so does {@code onError} where the request cannot be answered or
 * the queue is full ({@link dev.langchain4j.exception.RateLimitException}). A handler that is slow pauses its own request, no other. Thinking, text
 * and calls of tools come apart as they are generated. {@link dev.langchain4j.model.chat.response.StreamingHandle#cancel} frees the request between
 * two steps; no callback begins after it.
 */
public final class JllmStreamingChatModel implements StreamingChatModel {
    private final ChatSettings settings;

    JllmStreamingChatModel(ChatSettings settings) {
        this.settings = settings;
    }

    /** Settings for a model; each has a default. */
    public static JllmChatModelBuilder<JllmStreamingChatModel> builder(LLM llm) {
        return new JllmChatModelBuilder<>(llm, JllmStreamingChatModel::new);
    }

    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        new StreamedAnswer(settings.ask(request), handler).start();
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
