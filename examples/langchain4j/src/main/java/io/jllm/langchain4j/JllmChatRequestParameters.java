package io.jllm.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * All that a request can say to a model of this JVM: what LangChain4j's parameters have, and what jLLM's sampling and chat templates have beside
 * that. What is not said is as the model's builder says, and else as the model's authors recommend. Immutable.
 *
 * <p>Ranges are those of {@link io.jllm.SamplingParams}. {@code modelName} chooses among the models that the builder was given.
 */
public final class JllmChatRequestParameters extends DefaultChatRequestParameters {
    private final OptionalLong seed;
    private final OptionalDouble minP;
    private final OptionalDouble repetitionPenalty;
    private final OptionalInt logprobs;
    private final Optional<Boolean> thinking;
    private final Optional<Boolean> parallelToolCalls;
    private final Optional<Boolean> strictTools;
    private final OptionalInt priority;
    private final Optional<Duration> timeout;
    private final Map<String, String> templateVariables;

    private JllmChatRequestParameters(Builder b) {
        super(b);
        seed = b.seed;
        minP = b.minP;
        repetitionPenalty = b.repetitionPenalty;
        logprobs = b.logprobs;
        thinking = b.thinking;
        parallelToolCalls = b.parallelToolCalls;
        strictTools = b.strictTools;
        priority = b.priority;
        timeout = b.timeout;
        templateVariables = Map.copyOf(b.templateVariables);
    }

    /** Nothing said yet. */
    public static Builder builder() {
        return new Builder();
    }

    /** These parameters, as they are or with none of those that are jLLM's own. */
    static JllmChatRequestParameters of(ChatRequestParameters parameters) {
        return parameters instanceof JllmChatRequestParameters own ? own : builder().overrideWith(parameters).build();
    }

    /** Same seed, same answer. */
    public OptionalLong seed() {
        return seed;
    }

    /** Tokens at least this times as likely as the most likely are kept. */
    public OptionalDouble minP() {
        return minP;
    }

    /** Above 1, tokens of the conversation become less likely. */
    public OptionalDouble repetitionPenalty() {
        return repetitionPenalty;
    }

    /** Log-probabilities with so many alternatives for each token are wanted, in {@link JllmChatResponseMetadata#logprobs}. */
    public OptionalInt logprobs() {
        return logprobs;
    }

    /** Whether the model thinks before it answers: the variable {@code enable_thinking} of its chat template. */
    public Optional<Boolean> thinking() {
        return thinking;
    }

    /** Whether an answer may hold several calls of tools; it may unless this says no: then only the first counts. */
    public Optional<Boolean> parallelToolCalls() {
        return parallelToolCalls;
    }

    /** Whether the arguments of calls are bound by schemas even where the model decides whether to call; one {@code strict} tool does it, too. */
    public Optional<Boolean> strictTools() {
        return strictTools;
    }

    /** Who goes first when requests wait: lower is earlier. */
    public OptionalInt priority() {
        return priority;
    }

    /** How long an answer may take; one that takes longer is a {@link dev.langchain4j.exception.TimeoutException}. */
    public Optional<Duration> timeout() {
        return timeout;
    }

    /** More variables of the chat template, as JSON text by name. */
    public Map<String, String> templateVariables() {
        return templateVariables;
    }

    @Override
    public JllmChatRequestParameters overrideWith(ChatRequestParameters that) {
        return builder().overrideWith(this).overrideWith(that).build();
    }

    @Override
    public JllmChatRequestParameters defaultedBy(ChatRequestParameters that) {
        return builder().overrideWith(that).overrideWith(this).build();
    }

    @Override
    public boolean equals(Object o) {
        return super.equals(o) && o instanceof JllmChatRequestParameters that && own().equals(that.own());
    }

    @Override
    public int hashCode() {
        return 31 * super.hashCode() + own().hashCode();
    }

    @Override
    public String toString() {
        return "JllmChatRequestParameters" + own() + " " + super.toString();
    }

    private Map<String, String> own() {
        var said = new LinkedHashMap<String, String>();
        seed.ifPresent(v -> said.put("seed", Long.toString(v)));
        minP.ifPresent(v -> said.put("minP", Double.toString(v)));
        repetitionPenalty.ifPresent(v -> said.put("repetitionPenalty", Double.toString(v)));
        logprobs.ifPresent(v -> said.put("logprobs", Integer.toString(v)));
        thinking.ifPresent(v -> said.put("thinking", v.toString()));
        parallelToolCalls.ifPresent(v -> said.put("parallelToolCalls", v.toString()));
        strictTools.ifPresent(v -> said.put("strictTools", v.toString()));
        priority.ifPresent(v -> said.put("priority", Integer.toString(v)));
        timeout.ifPresent(v -> said.put("timeout", v.toString()));
        templateVariables.forEach((name, json) -> said.put("templateVariables." + name, json));
        return said;
    }

    /** Puts parameters together; each setting is described at the parameters. For one thread. */
    public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
        private OptionalLong seed = OptionalLong.empty();
        private OptionalDouble minP = OptionalDouble.empty();
        private OptionalDouble repetitionPenalty = OptionalDouble.empty();
        private OptionalInt logprobs = OptionalInt.empty();
        private Optional<Boolean> thinking = Optional.empty();
        private Optional<Boolean> parallelToolCalls = Optional.empty();
        private Optional<Boolean> strictTools = Optional.empty();
        private OptionalInt priority = OptionalInt.empty();
        private Optional<Duration> timeout = Optional.empty();
        private final Map<String, String> templateVariables = new LinkedHashMap<>();

        private Builder() {
        }

        @Override
        public Builder overrideWith(ChatRequestParameters parameters) {
            super.overrideWith(parameters);
            if (parameters instanceof JllmChatRequestParameters own) {
                own.seed.ifPresent(this::seed);
                own.minP.ifPresent(this::minP);
                own.repetitionPenalty.ifPresent(this::repetitionPenalty);
                own.logprobs.ifPresent(this::logprobs);
                own.thinking.ifPresent(this::thinking);
                own.parallelToolCalls.ifPresent(this::parallelToolCalls);
                own.strictTools.ifPresent(this::strictTools);
                own.priority.ifPresent(this::priority);
                own.timeout.ifPresent(this::timeout);
                templateVariables.putAll(own.templateVariables);
            }
            return this;
        }

        public Builder seed(long value) {
            seed = OptionalLong.of(value);
            return this;
        }

        public Builder minP(double value) {
            minP = OptionalDouble.of(value);
            return this;
        }

        public Builder repetitionPenalty(double value) {
            repetitionPenalty = OptionalDouble.of(value);
            return this;
        }

        /** @param alternatives for each token; 0 for that of the token alone */
        public Builder logprobs(int alternatives) {
            logprobs = OptionalInt.of(alternatives);
            return this;
        }

        public Builder thinking(boolean on) {
            thinking = Optional.of(on);
            return this;
        }

        public Builder parallelToolCalls(boolean several) {
            parallelToolCalls = Optional.of(several);
            return this;
        }

        public Builder strictTools(boolean strict) {
            strictTools = Optional.of(strict);
            return this;
        }

        public Builder priority(int value) {
            priority = OptionalInt.of(value);
            return this;
        }

        public Builder timeout(Duration value) {
            timeout = Optional.of(value);
            return this;
        }

        /** @param json the value, as JSON text */
        public Builder templateVariable(String name, String json) {
            templateVariables.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(json, "json"));
            return this;
        }

        @Override
        public JllmChatRequestParameters build() {
            return new JllmChatRequestParameters(this);
        }
    }
}
