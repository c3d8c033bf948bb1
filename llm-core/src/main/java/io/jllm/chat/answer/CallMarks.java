package io.jllm.chat.answer;

import io.jllm.chat.AnswerFormat;
import java.util.List;

/** What begins calls in a text, for whoever binds them. */
public final class CallMarks {
    private CallMarks() {
    }

    /** The texts that begin calls wherever they stand; none for gpt-oss, whose calls are messages. */
    public static List<String> of(AnswerFormat format) {
        return Syntaxes.of(format).map(s -> s.calls().stream().map(Syntax.Opener::text).toList()).orElse(List.of());
    }
}
