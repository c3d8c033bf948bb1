package io.jllm.chat;

import io.jllm.jinja.json.JsonText;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * How a conversation becomes a prompt. Names are those of transformers and vLLM.
 *
 * @param tools what the model may call
 * @param addGenerationPrompt whether the prompt ends with what begins an answer; as a rule it does
 * @param continueLastMessage whether the last message is the beginning of the answer, and is left open ({@code continue_final_message}); the prompt
 *     then ends with it, whatever {@code addGenerationPrompt} says
 * @param variant which of several templates of the model is meant; without it {@code tool_use} where there are tools and it exists, else
 *     {@code default}
 * @param template a template instead of the model's
 * @param variables what is passed to the template beside the conversation ({@code chat_template_kwargs}), such as {@code enable_thinking}: JSON text
 *     by name
 * @param withoutTemplate what is done for a model that has no template
 * @param clock for templates that write the date
 * @param contextOverflow what is done with a conversation that is longer than the context
 * @param answerFormat how the model writes reasoning and tool calls, where the template does not tell
 * @param toolChoice whether the answer calls tools
 * @param strictTools whether the arguments of calls obey the schemas of the tools even where the model decides whether to call one ({@code strict});
 *     where calls are demanded they do in any case. Not all formats can be bound so: others are refused when a conversation is to be answered
 * @param callsOrConstraint whether the constraint of {@link io.jllm.SamplingParams} is that of an answer without calls: where the model decides,
 *     what it writes is of the constraint, or it is calls whose arguments obey the schemas of the tools. Else the constraint is that of all that it
 *     writes. The same formats can be bound so
 */
public record ChatOptions(List<Tool> tools, boolean addGenerationPrompt, boolean continueLastMessage, Optional<String> variant,
                          Optional<String> template, Map<String, String> variables, WithoutTemplate withoutTemplate, Clock clock,
                          ContextOverflow contextOverflow, Optional<AnswerFormat> answerFormat, ToolChoice toolChoice,
                          boolean strictTools, boolean callsOrConstraint) {
    /** What only the renderer sets. */
    private static final Set<String> RESERVED = Set.of("messages", "tools", "documents", "add_generation_prompt");

    /** What is done for a model that has no template. */
    public enum WithoutTemplate {
        /** It is an error. */
        ERROR,
        /** The prompt is written in the form of ChatML, {@code <|im_start|>role ... <|im_end|>}. */
        CHATML
    }

    /** @throws IllegalArgumentException if a variable is no JSON, or has the name of what is passed anyway */
    public ChatOptions {
        tools = List.copyOf(tools);
        Objects.requireNonNull(variant, "variant");
        Objects.requireNonNull(template, "template");
        variables = Map.copyOf(variables);
        Objects.requireNonNull(withoutTemplate, "withoutTemplate");
        Objects.requireNonNull(clock, "clock");
        Objects.requireNonNull(contextOverflow, "contextOverflow");
        Objects.requireNonNull(answerFormat, "answerFormat");
        Objects.requireNonNull(toolChoice, "toolChoice");
        variables.forEach(ChatOptions::check);
    }

    private static void check(String name, String json) {
        if (RESERVED.contains(name)) {
            throw new IllegalArgumentException("the variable " + name + " of a chat template is set by the conversation and its options");
        }
        try {
            JsonText.parse(json);
        } catch (JsonText.Malformed e) {
            throw new IllegalArgumentException("the variable " + name + " of a chat template must be JSON: " + e.getMessage());
        }
    }

    /** A prompt for an answer, without tools, by the model's own template. */
    public static ChatOptions defaults() {
        return builder().build();
    }

    /** The same with a template instead of the model's. */
    public ChatOptions withTemplate(String text) {
        return toBuilder().template(text).build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** A builder with these options. */
    public Builder toBuilder() {
        var b = new Builder();
        b.tools.addAll(tools);
        b.variables.putAll(variables);
        b.addGenerationPrompt = addGenerationPrompt;
        b.continueLastMessage = continueLastMessage;
        b.variant = variant;
        b.template = template;
        b.withoutTemplate = withoutTemplate;
        b.clock = clock;
        b.contextOverflow = contextOverflow;
        b.answerFormat = answerFormat;
        b.toolChoice = toolChoice;
        b.strictTools = strictTools;
        b.callsOrConstraint = callsOrConstraint;
        return b;
    }

    /** The tools that the model is told of: none if it is not to call any. */
    public List<Tool> toldTools() {
        return toolChoice instanceof ToolChoice.None ? List.of() : tools;
    }

    /**
     * The options for the answer to what tools gave: where a call was demanded, it has been made, and the model decides again. Else it could but
     * call for ever.
     */
    public ChatOptions afterCalls() {
        return switch (toolChoice) {
            case ToolChoice.Required _, ToolChoice.Named _ -> toBuilder().toolChoice(ToolChoice.auto()).build();
            case ToolChoice.Auto _, ToolChoice.None _ -> this;
        };
    }

    /** Puts options together. Not thread-safe. */
    public static final class Builder {
        private final List<Tool> tools = new ArrayList<>();
        private final Map<String, String> variables = new LinkedHashMap<>();
        private boolean addGenerationPrompt = true;
        private boolean continueLastMessage;
        private Optional<String> variant = Optional.empty();
        private Optional<String> template = Optional.empty();
        private WithoutTemplate withoutTemplate = WithoutTemplate.ERROR;
        private Clock clock = Clock.systemDefaultZone();
        private ContextOverflow contextOverflow = ContextOverflow.refuse();
        private Optional<AnswerFormat> answerFormat = Optional.empty();
        private ToolChoice toolChoice = ToolChoice.auto();
        private boolean strictTools;
        private boolean callsOrConstraint;

        private Builder() {
        }

        /** What the model may call, beside those that were given before. */
        public Builder tools(List<Tool> more) {
            tools.addAll(more);
            return this;
        }

        public Builder addGenerationPrompt(boolean add) {
            addGenerationPrompt = add;
            return this;
        }

        public Builder continueLastMessage(boolean goOn) {
            continueLastMessage = goOn;
            return this;
        }

        public Builder variant(String name) {
            variant = Optional.of(name);
            return this;
        }

        public Builder template(String text) {
            template = Optional.of(text);
            return this;
        }

        /** A variable that is true or false, such as {@code enable_thinking}. */
        public Builder variable(String name, boolean value) {
            return variableJson(name, Boolean.toString(value));
        }

        public Builder variable(String name, long value) {
            return variableJson(name, Long.toString(value));
        }

        /** @param value finite */
        public Builder variable(String name, double value) {
            return variableJson(name, Double.toString(value));
        }

        public Builder variable(String name, String value) {
            return variableJson(name, JsonText.quoted(value));
        }

        /** A variable of any kind, as JSON text. */
        public Builder variableJson(String name, String json) {
            variables.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(json, "json"));
            return this;
        }

        public Builder withoutTemplate(WithoutTemplate what) {
            withoutTemplate = what;
            return this;
        }

        public Builder clock(Clock of) {
            clock = of;
            return this;
        }

        public Builder contextOverflow(ContextOverflow policy) {
            contextOverflow = policy;
            return this;
        }

        public Builder answerFormat(AnswerFormat format) {
            answerFormat = Optional.of(format);
            return this;
        }

        public Builder toolChoice(ToolChoice choice) {
            toolChoice = choice;
            return this;
        }

        public Builder strictTools(boolean strict) {
            strictTools = strict;
            return this;
        }

        public Builder callsOrConstraint(boolean either) {
            callsOrConstraint = either;
            return this;
        }

        /** @throws IllegalArgumentException if a variable is no JSON, or has the name of what is passed anyway */
        public ChatOptions build() {
            return new ChatOptions(tools, addGenerationPrompt, continueLastMessage, variant, template, variables, withoutTemplate, clock,
                    contextOverflow, answerFormat, toolChoice, strictTools, callsOrConstraint);
        }
    }
}
