package io.jllm.constraint.calls;

import io.jllm.chat.AnswerFormat;
import java.util.Optional;

/**
 * How a format writes calls, as the templates of its models teach it. In these texts {@link #NUMBER} stands for a number that the model chooses.
 *
 * @param mark what tells that calls begin: the beginning of {@code open} and {@code head}; empty if nothing does
 * @param open before the first call
 * @param head before the name of the tool
 * @param middle between name and arguments
 * @param tail behind the arguments
 * @param between between two calls; empty if there may be one only
 * @param close behind the last call
 * @param arguments how arguments are written
 */
record CallForm(String mark, String open, String head, String middle, String tail, Optional<String> between, String close, Arguments arguments) {
    /** JSON, as Python has them, or between tags. */
    enum Arguments { JSON, PYTHON, TAGS }

    static final char NUMBER = '#';

    private static final String NAME = "{\"name\": \"";
    private static final String ARGUMENTS = "\", \"arguments\": ";

    /** With arguments in JSON. */
    private CallForm(String mark, String open, String head, String middle, String tail, Optional<String> between, String close) {
        this(mark, open, head, middle, tail, between, close, Arguments.JSON);
    }

    /**
     * That of a format; none for those that cannot be bound.
     *
     * @param template the template's text: some formats have changed over the years
     */
    static Optional<CallForm> of(AnswerFormat format, String template) {
        return switch (format) {
            case HERMES -> Optional.of(new CallForm("<tool_call>", "", "<tool_call>\n" + NAME, ARGUMENTS, "}\n</tool_call>", Optional.of("\n"), ""));
            case LLAMA_JSON -> Optional.of(new CallForm("", "", NAME, "\", \"parameters\": ", "}", Optional.empty(), ""));
            case MISTRAL -> Optional.of(mistral(template));
            case GRANITE -> Optional.of(list("<|tool_call|>", "<|tool_call|>[", "]"));
            case PHI -> Optional.of(template.contains("functools[") ? list("functools", "functools[", "]")
                    : list("<|tool_call|>", "<|tool_call|>[", "]<|/tool_call|>"));
            case DEEPSEEK -> Optional.of(deepSeek(template));
            case COMMAND -> Optional.of(command(template));
            case KIMI -> Optional.of(new CallForm("<|tool_calls_section_begin|>", "<|tool_calls_section_begin|>", "<|tool_call_begin|>functions.",
                    ":" + NUMBER + "<|tool_call_argument_begin|>", "<|tool_call_end|>", Optional.of(""), "<|tool_calls_section_end|>"));
            case HARMONY -> Optional.of(new CallForm("", "", "<|channel|>commentary to=functions.", " <|constrain|>json<|message|>", "",
                    Optional.empty(), ""));
            case QWEN_XML -> Optional.of(new CallForm("<tool_call>", "", "<tool_call>\n<function=", ">\n", "</function>\n</tool_call>",
                    Optional.of("\n"), "", Arguments.TAGS));
            case PYTHONIC -> Optional.of(python(template));
            case PLAIN, GEMMA, GEMMA4, GLM, SEED, MINIMAX -> Optional.empty();
        };
    }

    private static CallForm list(String mark, String open, String close) {
        return new CallForm(mark, open, NAME, ARGUMENTS, "}", Optional.of(", "), close);
    }

    private static CallForm mistral(String template) {
        if (template.contains("[ARGS]")) {
            return new CallForm("[TOOL_CALLS]", "", "[TOOL_CALLS]", "[ARGS]", "", Optional.of(""), "");
        }
        return list("[TOOL_CALLS]", template.contains("[TOOL_CALLS][") ? "[TOOL_CALLS][" : "[TOOL_CALLS] [", "]");
    }

    private static CallForm python(String template) {
        if (template.contains("<function_calls>")) {
            return python("<function_calls>", "\n", "\n", "\n</function_calls>");
        }
        if (template.contains("<|tool_call_start|>")) {
            return python("<|tool_call_start|>", "[", ", ", "]<|tool_call_end|>");
        }
        return template.contains("<|python_start|>") ? python("<|python_start|>", "[", ", ", "]<|python_end|>") : python("", "[", ", ", "]");
    }

    private static CallForm python(String mark, String open, String between, String close) {
        return new CallForm(mark, mark + open, "", "", "", Optional.of(between), close, Arguments.PYTHON);
    }

    private static CallForm deepSeek(String template) {
        String begin = "<｜tool▁calls▁begin｜>";
        String end = "<｜tool▁calls▁end｜>";
        if (template.contains("```json")) {
            return new CallForm(begin, begin, "<｜tool▁call▁begin｜>function<｜tool▁sep｜>", "\n```json\n", "\n```<｜tool▁call▁end｜>",
                    Optional.of("\n"), end);
        }
        return new CallForm(begin, begin, "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", Optional.of(""), end);
    }

    private static CallForm command(String template) {
        if (template.contains("<|START_ACTION|>")) {
            return new CallForm("<|START_ACTION|>", "<|START_ACTION|>[\n    ", "{\"tool_call_id\": \"" + NUMBER + "\", \"tool_name\": \"",
                    "\", \"parameters\": ", "}", Optional.of(",\n    "), "\n]<|END_ACTION|>");
        }
        return new CallForm("Action: ```json", "Action: ```json\n[\n    ", "{\n        \"tool_name\": \"", "\",\n        \"parameters\": ", "\n    }",
                Optional.of(",\n    "), "\n]\n```");
    }
}
