package io.jllm.chat.answer;

import io.jllm.chat.AnswerFormat;
import io.jllm.chat.Tool;
import java.util.List;
import java.util.Set;

/** What begins calls in a text, and how their parameters are read, for whoever binds them. */
public final class CallMarks {
    private CallMarks() {
    }

    /** The texts that begin calls wherever they stand; none for gpt-oss, whose calls are messages. */
    public static List<String> of(AnswerFormat format) {
        return Syntaxes.of(format).map(s -> s.calls().stream().map(Syntax.Opener::text).toList()).orElse(List.of());
    }

    /** Whether calls may begin a text without any mark. */
    public static boolean none(AnswerFormat format) {
        return Syntaxes.of(format).map(s -> !s.bare().isEmpty()).orElse(false);
    }

    /** As what a parameter of a tool is read where a string has no quotes: the names of its types; that of strings where nothing is known of it. */
    public static Set<String> types(Tool tool, String parameter) {
        return new ParameterTypes(List.of(tool)).types(tool.name(), parameter);
    }
}
