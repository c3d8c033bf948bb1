package io.jllm.engine.request;

import io.jllm.chat.AnswerFormat;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Tool;
import io.jllm.chat.ToolChoice;
import io.jllm.chat.answer.ReasoningMarks;
import io.jllm.constraint.Constraint;
import java.util.List;
import java.util.Optional;

/**
 * The constraints that conversations put around answers. The last ones are remembered, with what was found out about their grammars. Safe for all
 * threads.
 */
final class ToolBounds {
    /** So many of a kind are remembered at most. */
    private static final int KEPT = 8;

    private record Calls(AnswerFormat format, String template, List<Tool> tools, ToolChoice choice) {
    }

    private record Thought(Constraint answer, ReasoningMarks marks) {
    }

    private final RecentConstraints<Calls> calls = new RecentConstraints<>(KEPT);
    private final RecentConstraints<Thought> thought = new RecentConstraints<>(KEPT);

    /**
     * What the choice of tools binds an answer to, if it does.
     *
     * @throws IllegalArgumentException if it cannot be kept
     */
    Optional<Constraint> calls(AnswerFormat format, String template, ChatOptions options) {
        boolean bound = switch (options.toolChoice()) {
            case ToolChoice.Auto _ -> options.strictTools() && !options.tools().isEmpty();
            case ToolChoice.None _ -> false;
            case ToolChoice.Required _, ToolChoice.Named _ -> true;
        };
        if (!bound) {
            return Optional.empty();
        }
        if (options.continueLastMessage()) {
            throw new IllegalArgumentException("toolChoice " + options.toolChoice() + (options.strictTools() ? " with strictTools" : "")
                    + " binds an answer from its beginning, and continueLastMessage goes on with one");
        }
        return Optional.of(calls(new Calls(format, template, options.tools(), options.toolChoice())));
    }

    /** Whether the model decides, from the beginning of its answer, whether it calls tools. */
    boolean mayCall(ChatOptions options) {
        return options.toolChoice() instanceof ToolChoice.Auto && !options.tools().isEmpty() && !options.continueLastMessage();
    }

    /**
     * Calls of these tools, one at least.
     *
     * @throws IllegalArgumentException if they cannot be bound
     */
    Constraint required(AnswerFormat format, String template, List<Tool> tools) {
        return calls(new Calls(format, template, tools, ToolChoice.required()));
    }

    private Constraint calls(Calls key) {
        return calls.of(key, k -> Constraint.toolCalls(k.format, k.template, k.tools, k.choice));
    }

    /** The same constraint behind free reasoning. */
    Constraint behind(ReasoningMarks marks, Constraint answer) {
        return thought.of(new Thought(answer, marks), t -> Constraint.behindReasoning(t.answer, t.marks.open(), t.marks.close()));
    }
}
