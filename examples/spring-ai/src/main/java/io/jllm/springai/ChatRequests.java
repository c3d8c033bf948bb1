package io.jllm.springai;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolCall;
import io.jllm.chat.ToolChoice;
import io.jllm.constraint.Constraint;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.MediaContent;
import org.springframework.ai.model.tool.ToolCallingManager;
import org.springframework.ai.tool.definition.ToolDefinition;

/** Makes of Spring AI's prompts what an engine is asked. What cannot be done is refused by name. Safe for all threads. */
final class ChatRequests {
    /** So many schemas are remembered, with what was found out about their grammars. */
    private static final int KEPT = 32;

    private final LLM llm;
    private final String model;
    private final ChatOptions base;
    private final ToolCallingManager tools;
    private final Map<String, Constraint> schemas = new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Constraint> eldest) {
            return size() > KEPT;
        }
    };

    /**
     * @param model the name of the only model there is
     * @param base how conversations become prompts, where options do not say otherwise
     */
    ChatRequests(LLM llm, String model, ChatOptions base, ToolCallingManager tools) {
        this.llm = llm;
        this.model = model;
        this.base = base;
        this.tools = tools;
    }

    /** What an engine is asked. */
    record Asked(List<Message> messages, ChatOptions options, SamplingParams params) {
    }

    /**
     * What a prompt asks for.
     *
     * @throws IllegalArgumentException if that is not possible; the message says what and why
     */
    Asked of(Prompt prompt) {
        JllmChatOptions options = JllmChatOptions.of(Objects.requireNonNull(prompt.getOptions(), "options"));
        if (options.getModel() != null && !options.getModel().equals(model)) {
            throw new IllegalArgumentException("model is " + options.getModel() + ", and there is only " + model + ": leave the option out, or ask another "
                    + "ChatModel");
        }
        List<Message> messages = prompt.getInstructions().stream().flatMap(ChatRequests::messages).toList();
        ChatOptions chat = chat(options);
        if (messages.getLast().role() == Role.TOOL) {
            chat = chat.afterCalls();
        }
        return new Asked(messages, chat, params(options, chat));
    }

    private ChatOptions chat(JllmChatOptions options) {
        // Where there are tools and a schema, it is that of an answer without calls.
        ChatOptions.Builder b = base.toBuilder().tools(tools.resolveToolDefinitions(options).stream().map(ChatRequests::tool).toList())
                .callsOrConstraint(true);
        set(options.getToolChoice()).ifPresent(b::toolChoice);
        set(options.getStrictTools()).ifPresent(b::strictTools);
        options.getTemplateVariables().forEach(b::variableJson);
        return b.build();
    }

    private static Tool tool(ToolDefinition t) {
        return new Tool(t.name(), t.description(), t.inputSchema());
    }

    private SamplingParams params(JllmChatOptions options, ChatOptions chat) {
        SamplingParamsBuilder b = llm.defaults().toBuilder();
        set(options.getTemperature()).ifPresent(b::temperature);
        set(options.getTopK()).ifPresent(b::topK);
        set(options.getTopP()).ifPresent(b::topP);
        set(options.getMinP()).ifPresent(b::minP);
        set(options.getSeed()).ifPresent(b::seed);
        set(options.getStopSequences()).ifPresent(stop -> b.stop(stop.toArray(String[]::new)));
        set(options.getMaxTokens()).ifPresent(b::maxTokens);
        set(options.getFrequencyPenalty()).ifPresent(b::frequencyPenalty);
        set(options.getPresencePenalty()).ifPresent(b::presencePenalty);
        set(options.getRepetitionPenalty()).ifPresent(b::repetitionPenalty);
        set(options.getLogprobs()).ifPresent(b::logprobs);
        set(options.getPriority()).ifPresent(b::priority);
        set(options.getTimeout()).ifPresent(b::timeout);
        // A call that is demanded is not the answer: the schema is for what comes behind its result.
        boolean demanded = chat.toolChoice() instanceof ToolChoice.Required || chat.toolChoice() instanceof ToolChoice.Named;
        set(options.getOutputSchema()).filter(_ -> !demanded).ifPresent(schema -> b.constraint(constraint(schema)));
        return b.build();
    }

    private Constraint constraint(String schema) {
        synchronized (schemas) {
            return schemas.computeIfAbsent(schema, Constraint::jsonSchema);
        }
    }

    private static <T> Optional<T> set(@Nullable T value) {
        return Optional.ofNullable(value);
    }

    private static Stream<Message> messages(org.springframework.ai.chat.messages.Message message) {
        if (message instanceof MediaContent content && !content.getMedia().isEmpty()) {
            throw new IllegalArgumentException("a message of the " + message.getMessageType().getValue() + " has media of type "
                    + content.getMedia().getFirst().getMimeType() + ", and only text is read: leave it out, or describe it in words");
        }
        String text = set(message.getText()).orElse("");
        return switch (message) {
            case SystemMessage _ -> Stream.of(Message.system(text));
            case UserMessage _ -> Stream.of(Message.user(text));
            case AssistantMessage said -> Stream.of(assistant(text, said));
            case ToolResponseMessage given -> given.getResponses().stream().map(ChatRequests::result);
            default -> throw new IllegalArgumentException("a message is a " + message.getClass().getName()
                    + "; known are SystemMessage, UserMessage, AssistantMessage and ToolResponseMessage");
        };
    }

    private static Message assistant(String text, AssistantMessage said) {
        Message message = Message.assistant(text, said.getToolCalls().stream().map(c -> new ToolCall(c.id(), c.name(), c.arguments())).toList());
        return said.getMetadata().get(JllmChatModel.THINKING) instanceof String thought ? message.withReasoning(thought) : message;
    }

    private static Message result(ToolResponseMessage.ToolResponse r) {
        return new Message(Role.TOOL, r.responseData(), Optional.empty(), List.of(), set(r.id()), set(r.name()));
    }
}
