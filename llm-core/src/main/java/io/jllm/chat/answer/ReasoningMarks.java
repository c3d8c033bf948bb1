package io.jllm.chat.answer;

import io.jllm.chat.AnswerFormat;
import java.util.Optional;

/**
 * What stands around the reasoning of an answer.
 *
 * @param open begins it; empty where the prompt has begun it
 * @param close ends it
 */
public record ReasoningMarks(Optional<String> open, String close) {
    /** Those of an answer to a prompt; none where the model is not to reason. */
    public static Optional<ReasoningMarks> of(AnswerFormat format, String prompt) {
        Optional<Syntax> syntax = Syntaxes.of(format);
        if (syntax.isEmpty()) {
            return Optional.of(new ReasoningMarks(Optional.empty(), HarmonyDialect.FINAL));
        }
        String end = prompt.stripTrailing();
        for (Syntax.Fence fence : syntax.get().reasoning()) {
            if (end.endsWith(fence.open().strip())) {
                return Optional.of(new ReasoningMarks(Optional.empty(), fence.close()));
            }
        }
        return syntax.get().reasoning().stream().filter(f -> !end.endsWith(f.close())).findFirst()
                .map(f -> new ReasoningMarks(Optional.of(f.open()), f.close()));
    }
}
