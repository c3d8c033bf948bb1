package io.jllm.langchain4j;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ToolChoice;
import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.chat.ChatOptions;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What both kinds of chat models have in common: models by name, what holds where a request says nothing, and how requests are read. */
final class ChatSettings {
    private final Map<String, LLM> models;
    private final ChatOptions options;
    private final JllmChatRequestParameters defaults;
    private final List<ChatModelListener> listeners;
    private final Schemas schemas = new Schemas();

    /** @throws RuntimeException of LangChain4j's, if the defaults could be nobody's */
    ChatSettings(Map<String, LLM> models, ChatOptions options, JllmChatRequestParameters defaults, List<ChatModelListener> listeners) {
        this.models = Collections.unmodifiableMap(new LinkedHashMap<>(models));
        this.options = options;
        this.defaults = defaults;
        this.listeners = List.copyOf(listeners);
        sampling(model(defaults.modelName()), defaults);
        options(defaults);
    }

    JllmChatRequestParameters defaults() {
        return defaults;
    }

    List<ChatModelListener> listeners() {
        return listeners;
    }

    /** @throws RuntimeException of LangChain4j's, if it asks what is not there or cannot be */
    ChatAsk ask(ChatRequest request) {
        var parameters = defaults.overrideWith(request.parameters()); // they are merged already, unless doChat is called directly
        LLM llm = model(parameters.modelName());
        return new ChatAsk(parameters.modelName(), llm, Messages.of(request.messages()), options(parameters), sampling(llm, parameters),
                !parameters.parallelToolCalls().orElse(true), parameters.logprobs().isPresent());
    }

    private LLM model(String name) {
        LLM llm = models.get(name);
        if (llm == null) {
            throw new ModelNotFoundException("there is no model named " + name + ", only " + String.join(", ", models.keySet())
                    + ": name it, or give others to the builder by model(name, llm)");
        }
        return llm;
    }

    private ChatOptions options(JllmChatRequestParameters parameters) {
        try {
            ChatOptions.Builder b = options.toBuilder().callsOrConstraint(true);
            List<ToolSpecification> tools = parameters.toolSpecifications();
            b.tools(tools.stream().map(Schemas::tool).toList());
            if (parameters.strictTools().orElseGet(() -> tools.stream().anyMatch(t -> Boolean.TRUE.equals(t.strict())))) {
                b.strictTools(true);
            }
            if (parameters.toolChoice() != null) {
                b.toolChoice(switch (parameters.toolChoice()) {
                    case AUTO -> io.jllm.chat.ToolChoice.auto();
                    case REQUIRED -> io.jllm.chat.ToolChoice.required();
                    case NONE -> io.jllm.chat.ToolChoice.none();
                });
            }
            parameters.thinking().ifPresent(on -> b.variable("enable_thinking", on));
            parameters.templateVariables().forEach(b::variableJson);
            return b.build();
        } catch (IllegalArgumentException e) {
            throw new InvalidRequestException(e.getMessage(), e);
        }
    }

    /** How to answer: as the model's authors recommend where nothing else is said. Calls that are demanded leave no text for a format to bind. */
    private SamplingParams sampling(LLM llm, JllmChatRequestParameters parameters) {
        try {
            SamplingParamsBuilder b = llm.defaults().toBuilder();
            common(parameters, b);
            parameters.seed().ifPresent(b::seed);
            parameters.minP().ifPresent(b::minP);
            parameters.repetitionPenalty().ifPresent(b::repetitionPenalty);
            parameters.logprobs().ifPresent(b::logprobs);
            parameters.priority().ifPresent(b::priority);
            parameters.timeout().ifPresent(b::timeout);
            if (parameters.responseFormat() != null && parameters.toolChoice() != ToolChoice.REQUIRED) {
                schemas.constraint(parameters.responseFormat()).ifPresent(b::constraint);
            }
            return b.build();
        } catch (IllegalArgumentException e) {
            throw new InvalidRequestException(e.getMessage(), e);
        }
    }

    private static void common(ChatRequestParameters parameters, SamplingParamsBuilder b) {
        if (parameters.temperature() != null) {
            b.temperature(parameters.temperature());
        }
        if (parameters.topP() != null) {
            b.topP(parameters.topP());
        }
        if (parameters.topK() != null) {
            b.topK(parameters.topK());
        }
        if (parameters.frequencyPenalty() != null) {
            b.frequencyPenalty(parameters.frequencyPenalty());
        }
        if (parameters.presencePenalty() != null) {
            b.presencePenalty(parameters.presencePenalty());
        }
        if (parameters.maxOutputTokens() != null) {
            b.maxTokens(parameters.maxOutputTokens());
        }
        if (!parameters.stopSequences().isEmpty()) {
            b.stop(parameters.stopSequences().toArray(String[]::new));
        }
    }
}
