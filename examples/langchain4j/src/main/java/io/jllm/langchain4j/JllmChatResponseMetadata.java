package io.jllm.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import io.jllm.RequestOutput;
import io.jllm.StopReason;
import io.jllm.TokenLogprobs;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What is known of an answer: what LangChain4j's metadata have, and the engine's own. Immutable.
 *
 * <p>The usage counts all tokens of the prompt, those found in the prefix cache too ({@link #metrics} says how many), and all that were generated,
 * those of thinking and the one that ended the answer included.
 */
public final class JllmChatResponseMetadata extends ChatResponseMetadata {
    private final List<TokenLogprobs> logprobs;
    private final Optional<StopReason> stopReason;
    private final Optional<RequestOutput.Metrics> metrics;

    private JllmChatResponseMetadata(Builder b) {
        super(b);
        logprobs = List.copyOf(b.logprobs);
        stopReason = b.stopReason;
        metrics = b.metrics;
    }

    /** Nothing known yet. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The generated tokens with their log-probabilities and alternatives, if {@link JllmChatRequestParameters#logprobs} asked for them; else empty.
     * {@link io.jllm.LLM#tokenizer} says what their ids stand for.
     */
    public List<TokenLogprobs> logprobs() {
        return logprobs;
    }

    /** The stop string or token that ended the answer, if one did. */
    public Optional<StopReason> stopReason() {
        return stopReason;
    }

    /** Times and counts: in the queue, to the first token, between tokens; tokens found in the prefix cache. */
    public Optional<RequestOutput.Metrics> metrics() {
        return metrics;
    }

    @Override
    public Builder toBuilder() {
        return ((Builder) super.toBuilder(new Builder())).logprobs(logprobs).stopReason(stopReason).metrics(metrics);
    }

    @Override
    public boolean equals(Object o) {
        return super.equals(o) && o instanceof JllmChatResponseMetadata that && logprobs.equals(that.logprobs) && stopReason.equals(that.stopReason)
                && metrics.equals(that.metrics);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), stopReason, metrics);
    }

    @Override
    public String toString() {
        return "JllmChatResponseMetadata{" + super.toString() + ", logprobs of " + logprobs.size() + " tokens, stopReason=" + stopReason
                + ", metrics=" + metrics + "}";
    }

    /** Puts metadata together. For one thread. */
    public static final class Builder extends ChatResponseMetadata.Builder<Builder> {
        private List<TokenLogprobs> logprobs = List.of();
        private Optional<StopReason> stopReason = Optional.empty();
        private Optional<RequestOutput.Metrics> metrics = Optional.empty();

        private Builder() {
        }

        Builder logprobs(List<TokenLogprobs> tokens) {
            logprobs = tokens;
            return this;
        }

        Builder stopReason(Optional<StopReason> reason) {
            stopReason = reason;
            return this;
        }

        Builder metrics(Optional<RequestOutput.Metrics> counts) {
            metrics = counts;
            return this;
        }

        @Override
        public JllmChatResponseMetadata build() {
            return new JllmChatResponseMetadata(this);
        }
    }
}
