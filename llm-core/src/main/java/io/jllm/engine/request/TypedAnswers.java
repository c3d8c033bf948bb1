package io.jllm.engine.request;

import io.jllm.ChatOutput;
import io.jllm.FinishReason;
import io.jllm.SamplingParams;
import io.jllm.constraint.Constraint;
import io.jllm.schema.JsonType;
import java.util.function.Function;

/** Answers that are values of Java types. Safe for all threads. */
public final class TypedAnswers {
    /** So many schemas of types are remembered. */
    private static final int KEPT_SCHEMAS = 64;

    private final RecentConstraints<String> schemas = new RecentConstraints<>(KEPT_SCHEMAS);

    /**
     * A value.
     *
     * @param chat answers by settings that bind the answer to the type's schema
     * @throws IllegalStateException if the answer ended before it was whole
     */
    public <T> T read(JsonType<T> type, SamplingParams params, Function<SamplingParams, ChatOutput> chat) {
        SamplingParams bound = params.toBuilder().constraint(schemas.of(type.schema(), Constraint::jsonSchema)).build();
        ChatOutput output = chat.apply(bound).orThrow();
        if (output.finishReason() != FinishReason.STOP) {
            throw new IllegalStateException("the answer ended by " + output.finishReason() + " after " + output.output().tokenIds().length
                    + " tokens, before it was whole; allow more with maxTokens: " + output.text());
        }
        return type.read(output.text());
    }
}
