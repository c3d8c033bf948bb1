package io.jllm.langchain4j;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * Settings of a chat model. What they say of answers holds where a request does not say it itself. For one thread.
 *
 * @param <M> the model that is built
 */
public final class JllmChatModelBuilder<M> {
    private static final String NAME = "jllm";

    private final LLM llm;
    private final Function<ChatSettings, M> maker;
    private final Map<String, LLM> others = new LinkedHashMap<>();
    private final List<ChatModelListener> listeners = new ArrayList<>();
    private final JllmChatRequestParameters.Builder parameters = JllmChatRequestParameters.builder();
    private String name = NAME;
    private ChatOptions options = ChatOptions.defaults();

    JllmChatModelBuilder(LLM llm, Function<ChatSettings, M> maker) {
        this.llm = Objects.requireNonNull(llm, "llm");
        this.maker = maker;
    }

    /** How answers name the model; default {@code jllm}. */
    public JllmChatModelBuilder<M> modelName(String modelName) {
        name = Objects.requireNonNull(modelName, "modelName");
        return this;
    }

    /** Another model, for requests whose {@code modelName} is this; default none, and requests for others are refused. */
    public JllmChatModelBuilder<M> model(String modelName, LLM other) {
        others.put(Objects.requireNonNull(modelName, "modelName"), Objects.requireNonNull(other, "other"));
        return this;
    }

    /** Anything that a request can say, {@link JllmChatRequestParameters} too, over what was said here before; default nothing. */
    public JllmChatModelBuilder<M> defaultRequestParameters(ChatRequestParameters defaults) {
        parameters.overrideWith(defaults);
        return this;
    }

    /** 0 is greedy; default as the model's authors recommend. */
    public JllmChatModelBuilder<M> temperature(double value) {
        parameters.temperature(value);
        return this;
    }

    /** Keep the most likely tokens whose probabilities sum to this; default as the model's authors recommend. */
    public JllmChatModelBuilder<M> topP(double value) {
        parameters.topP(value);
        return this;
    }

    /** Keep so many most likely tokens, 0 for all; default as the model's authors recommend. */
    public JllmChatModelBuilder<M> topK(int value) {
        parameters.topK(value);
        return this;
    }

    /** Same seed, same answers; default a new one for each request. */
    public JllmChatModelBuilder<M> seed(long value) {
        parameters.seed(value);
        return this;
    }

    /** Most tokens of an answer; default what the context has room for. */
    public JllmChatModelBuilder<M> maxOutputTokens(int value) {
        parameters.maxOutputTokens(value);
        return this;
    }

    /** Whether the model thinks before it answers, for models that have the choice; default their own. */
    public JllmChatModelBuilder<M> thinking(boolean on) {
        parameters.thinking(on);
        return this;
    }

    /**
     * How conversations become prompts: another template or answer format, what is done with conversations that are too long; default the model's own
     * template. Tools in it are for all requests.
     */
    public JllmChatModelBuilder<M> chatOptions(ChatOptions value) {
        options = Objects.requireNonNull(value, "value");
        return this;
    }

    /** More that are told of requests, answers and errors; default none. */
    public JllmChatModelBuilder<M> listeners(List<? extends ChatModelListener> more) {
        listeners.addAll(more);
        return this;
    }

    /** The same. */
    public JllmChatModelBuilder<M> listeners(ChatModelListener... more) {
        return listeners(List.of(more));
    }

    /**
     * The model.
     *
     * @throws dev.langchain4j.exception.InvalidRequestException if a setting is out of its range, or a schema is not supported
     * @throws dev.langchain4j.exception.ModelNotFoundException if the parameters name a model that was not given
     */
    public M build() {
        var models = new LinkedHashMap<String, LLM>();
        models.put(name, llm);
        models.putAll(others);
        JllmChatRequestParameters defaults = JllmChatRequestParameters.builder().modelName(name).overrideWith(parameters.build()).build();
        return maker.apply(new ChatSettings(models, options, defaults, listeners));
    }
}
