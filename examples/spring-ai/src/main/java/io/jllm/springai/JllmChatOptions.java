package io.jllm.springai;

import io.jllm.chat.ToolChoice;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;

/**
 * What may be asked of a {@link JllmChatModel}: Spring AI's options, those of {@link io.jllm.SamplingParams}, and those of
 * {@link io.jllm.chat.ChatOptions} that differ from prompt to prompt. Null is: as the model's files recommend. Ranges are checked when a prompt
 * is answered, with {@link IllegalArgumentException}. Immutable.
 */
public final class JllmChatOptions extends DefaultToolCallingChatOptions implements StructuredOutputChatOptions {
    private final Own own;

    /** What Spring AI has no place for. */
    private record Own(@Nullable String outputSchema, @Nullable Long seed, @Nullable Double minP, @Nullable Double repetitionPenalty,
                       @Nullable Integer logprobs, @Nullable ToolChoice toolChoice, @Nullable Boolean strictTools,
                       Map<String, String> templateVariables, @Nullable Integer priority, @Nullable Duration timeout) {
        Own {
            templateVariables = Map.copyOf(templateVariables);
        }
    }

    private JllmChatOptions(DefaultToolCallingChatOptions common, Own own) {
        super(common.getToolCallbacks(), common.getToolContext(), common.getModel(), common.getFrequencyPenalty(), common.getMaxTokens(),
                common.getPresencePenalty(), common.getStopSequences(), common.getTemperature(), common.getTopK(), common.getTopP());
        this.own = own;
    }

    /** A builder with nothing set. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Any options as those of this class; what others do not have is not set.
     *
     * @param options Spring AI's, or a provider's of which only what Spring AI has in common counts
     */
    static JllmChatOptions of(ChatOptions options) {
        return options instanceof JllmChatOptions known ? known : builder().common(options).build();
    }

    /** The JSON schema that answers are bound by. An answer that tools are called in is not: see {@link #getToolChoice}. */
    @Override
    public @Nullable String getOutputSchema() {
        return own.outputSchema;
    }

    /** Same seed, same text, whatever else runs; a new one for each prompt. */
    public @Nullable Long getSeed() {
        return own.seed;
    }

    /** Keep tokens at least this times as likely as the most likely; in [0, 1]. */
    public @Nullable Double getMinP() {
        return own.minP;
    }

    /** Divides or multiplies logits of tokens in prompt or output; above 0, and 1 is none. */
    public @Nullable Double getRepetitionPenalty() {
        return own.repetitionPenalty;
    }

    /** Log-probabilities of the answer's tokens with this many alternatives, 0 to 100, in the metadata {@link JllmChatModel#LOGPROBS}. */
    public @Nullable Integer getLogprobs() {
        return own.logprobs;
    }

    /**
     * Whether tools are called; the model decides where it is not set. Where calls are demanded, they are in the answer to what a user says; behind
     * results of tools the model decides again, else it could but call for ever.
     */
    public @Nullable ToolChoice getToolChoice() {
        return own.toolChoice;
    }

    /** Whether the arguments of calls obey the tools' schemas even where the model decides whether to call. */
    public @Nullable Boolean getStrictTools() {
        return own.strictTools;
    }

    /** What the chat template is given beside the conversation ({@code chat_template_kwargs}): JSON text by name. */
    public Map<String, String> getTemplateVariables() {
        return own.templateVariables;
    }

    /** Who goes first where requests wait: lower numbers before higher ones. */
    public @Nullable Integer getPriority() {
        return own.priority;
    }

    /** How long an answer may take; it is cut then, with the finish reason {@code CANCELLED}. */
    public @Nullable Duration getTimeout() {
        return own.timeout;
    }

    @Override
    public Builder mutate() {
        Builder b = builder().common(this);
        b.outputSchema = own.outputSchema;
        b.seed = own.seed;
        b.minP = own.minP;
        b.repetitionPenalty = own.repetitionPenalty;
        b.logprobs = own.logprobs;
        b.toolChoice = own.toolChoice;
        b.strictTools = own.strictTools;
        b.templateVariables = own.templateVariables;
        b.priority = own.priority;
        b.timeout = own.timeout;
        return b;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return super.equals(other) && other instanceof JllmChatOptions that && own.equals(that.own);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), own);
    }

    /** Puts options together; null takes one back. For one thread. */
    public static final class Builder extends DefaultToolCallingChatOptions.Builder<Builder> implements StructuredOutputChatOptions.Builder<Builder> {
        private @Nullable String outputSchema;
        private @Nullable Long seed;
        private @Nullable Double minP;
        private @Nullable Double repetitionPenalty;
        private @Nullable Integer logprobs;
        private @Nullable ToolChoice toolChoice;
        private @Nullable Boolean strictTools;
        private Map<String, String> templateVariables = Map.of();
        private @Nullable Integer priority;
        private @Nullable Duration timeout;

        private Builder() {
        }

        /** See {@link JllmChatOptions#getOutputSchema}. */
        @Override
        public Builder outputSchema(@Nullable String schema) {
            outputSchema = schema;
            return this;
        }

        /** See {@link JllmChatOptions#getSeed}. */
        public Builder seed(@Nullable Long value) {
            seed = value;
            return this;
        }

        /** See {@link JllmChatOptions#getMinP}. */
        public Builder minP(@Nullable Double value) {
            minP = value;
            return this;
        }

        /** See {@link JllmChatOptions#getRepetitionPenalty}. */
        public Builder repetitionPenalty(@Nullable Double value) {
            repetitionPenalty = value;
            return this;
        }

        /** See {@link JllmChatOptions#getLogprobs}. */
        public Builder logprobs(@Nullable Integer alternatives) {
            logprobs = alternatives;
            return this;
        }

        /** See {@link JllmChatOptions#getToolChoice}. */
        public Builder toolChoice(@Nullable ToolChoice choice) {
            toolChoice = choice;
            return this;
        }

        /** See {@link JllmChatOptions#getStrictTools}. */
        public Builder strictTools(@Nullable Boolean strict) {
            strictTools = strict;
            return this;
        }

        /** Sets {@code enable_thinking}, by which many models' templates turn their reasoning on and off. */
        public Builder thinking(boolean on) {
            return templateVariable("enable_thinking", Boolean.toString(on));
        }

        /** See {@link JllmChatOptions#getTemplateVariables}. */
        public Builder templateVariable(String name, String json) {
            return templateVariables(Map.of(name, json));
        }

        /** Adds to those that are set; see {@link JllmChatOptions#getTemplateVariables}. */
        public Builder templateVariables(Map<String, String> more) {
            var all = new LinkedHashMap<>(templateVariables);
            all.putAll(more);
            templateVariables = Map.copyOf(all);
            return this;
        }

        /** See {@link JllmChatOptions#getPriority}. */
        public Builder priority(@Nullable Integer value) {
            priority = value;
            return this;
        }

        /** See {@link JllmChatOptions#getTimeout}. */
        public Builder timeout(@Nullable Duration value) {
            timeout = value;
            return this;
        }

        private Builder common(ChatOptions from) {
            model(from.getModel()).frequencyPenalty(from.getFrequencyPenalty()).maxTokens(from.getMaxTokens())
                    .presencePenalty(from.getPresencePenalty()).stopSequences(from.getStopSequences()).temperature(from.getTemperature())
                    .topK(from.getTopK()).topP(from.getTopP());
            if (from instanceof ToolCallingChatOptions tools) {
                toolCallbacks(tools.getToolCallbacks()).toolContext(tools.getToolContext());
            }
            return from instanceof StructuredOutputChatOptions structured ? outputSchema(structured.getOutputSchema()) : this;
        }

        /** Takes over what the other one has set; tools and stop strings are added to these. */
        @Override
        public Builder combineWith(ChatOptions.Builder<?> other) {
            super.combineWith(other);
            if (other instanceof Builder that) {
                outputSchema = that.outputSchema != null ? that.outputSchema : outputSchema;
                seed = that.seed != null ? that.seed : seed;
                minP = that.minP != null ? that.minP : minP;
                repetitionPenalty = that.repetitionPenalty != null ? that.repetitionPenalty : repetitionPenalty;
                logprobs = that.logprobs != null ? that.logprobs : logprobs;
                toolChoice = that.toolChoice != null ? that.toolChoice : toolChoice;
                strictTools = that.strictTools != null ? that.strictTools : strictTools;
                templateVariables(that.templateVariables);
                priority = that.priority != null ? that.priority : priority;
                timeout = that.timeout != null ? that.timeout : timeout;
            } else if (other.build() instanceof StructuredOutputChatOptions structured && structured.getOutputSchema() != null) {
                outputSchema = structured.getOutputSchema();
            }
            return this;
        }

        @Override
        public JllmChatOptions build() {
            return new JllmChatOptions((DefaultToolCallingChatOptions) super.build(), new Own(outputSchema, seed, minP, repetitionPenalty, logprobs,
                    toolChoice, strictTools, templateVariables, priority, timeout));
        }
    }
}
