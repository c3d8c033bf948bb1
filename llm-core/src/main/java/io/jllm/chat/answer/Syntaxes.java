package io.jllm.chat.answer;

import io.jllm.chat.AnswerFormat;
import io.jllm.chat.answer.Syntax.Context;
import io.jllm.chat.answer.Syntax.Fence;
import io.jllm.chat.answer.Syntax.Opener;
import io.jllm.chat.answer.Tags.NameEnd;
import io.jllm.chat.answer.Tags.Notation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The syntax of each format: what its models were trained to write, by their chat templates and model cards, and what vLLM's and llama.cpp's
 * parsers accept besides.
 */
final class Syntaxes {
    private static final Fence THINK = new Fence("<think>", "</think>");
    private static final String NAME = "(?<name>[\\w.-]+)";

    private static final Tags FUNCTION = new Tags("<function=", ">", "</function>", "<parameter=", List.of(new NameEnd(">", Notation.BY_SCHEMA)), "",
            "</parameter>", List.of("</function>\n</tool_call>", "</function></tool_call>", "</function>\n</seed:tool_call>",
                    "</function></seed:tool_call>"));
    private static final Tags INVOKE = new Tags("<invoke name=\"", "\">", "</invoke>", "<parameter name=\"",
            List.of(new NameEnd("\">", Notation.BY_SCHEMA)), "", "</parameter>", List.of("</invoke>\n</minimax:tool_call>"));
    private static final Tags DSML = new Tags("<｜DSML｜invoke name=\"", "\">", "</｜DSML｜invoke>", "<｜DSML｜parameter name=\"",
            List.of(new NameEnd("\" string=\"true\">", Notation.TEXT), new NameEnd("\" string=\"false\">", Notation.JSON),
                    new NameEnd("\">", Notation.BY_SCHEMA)), "", "</｜DSML｜parameter>", List.of());
    private static final Tags ARG_KEY = new Tags("", "", "</tool_call>", "<arg_key>", List.of(new NameEnd("</arg_key>", Notation.BY_SCHEMA)),
            "<arg_value>", "</arg_value>", List.of());

    private static final Pattern MISTRAL_HEADER = Pattern.compile("\\s*" + NAME + "\\s*(?:\\[CALL_ID](?<id>\\w+))?\\s*(?:\\[ARGS])?\\s*");
    private static final Pattern DEEPSEEK_HEADER = Pattern.compile("\\s*(?:<｜tool▁call▁begin｜>)?\\s*(?:function<｜tool▁sep｜>)?\\s*" + NAME
            + "\\s*(?:<｜tool▁sep｜>)?\\s*(?:```(?:json)?)?\\s*");
    private static final Pattern KIMI_HEADER = Pattern.compile("\\s*(?:<\\|tool_call_begin\\|>)?\\s*(?<id>(?:functions\\.)?(?<name>[\\w.-]+?)(?::\\d+)?)"
            + "\\s*<\\|tool_call_argument_begin\\|>\\s*");
    private static final Pattern GEMMA_HEADER = Pattern.compile("\\s*call:" + NAME + "\\s*");
    private static final Pattern FUNCTION_HEADER = Pattern.compile(NAME + ">\\s*");

    private Syntaxes() {
    }

    /** How answers of a format look; none for gpt-oss's, which are no text with marks in it. */
    static Optional<Syntax> of(AnswerFormat format) {
        return switch (format) {
            case PLAIN -> marked(List.of());
            case HERMES -> marked(List.of(opener("<tool_call>", json())), "</tool_call>");
            case QWEN_XML -> marked(List.of(opener("<tool_call>", elements(FUNCTION, false), json()), opener("<function=", elements(FUNCTION, true))),
                    "</tool_call>");
            case LLAMA_JSON -> Optional.of(new Syntax(llamaOpeners(), List.of(bareJson()), List.of("</function>"), List.of(), List.of(THINK)));
            case PYTHONIC -> Optional.of(new Syntax(llamaOpeners(opener("<|python_start|>", python(_ -> _ -> true), json()),
                    opener("<function_calls>", python(_ -> _ -> true)), opener("<|tool_call_start|>", python(_ -> _ -> true), json())),
                    List.of(barePython(), bareJson()), List.of("<|python_end|>", "</function_calls>", "<|tool_call_end|>", "</function>"), List.of(), List.of(THINK)));
            case MISTRAL -> Optional.of(new Syntax(List.of(opener("[TOOL_CALLS]", json(), headed(MISTRAL_HEADER))), List.of(), List.of(), List.of(),
                    List.of(new Fence("[THINK]", "[/THINK]"), THINK)));
            case DEEPSEEK -> marked(List.of(opener("<｜tool▁calls▁begin｜>", headed(DEEPSEEK_HEADER)),
                    opener("<｜tool▁call▁begin｜>", headed(DEEPSEEK_HEADER)), opener("<｜DSML｜function_calls>", elements(DSML, false)),
                    opener("<｜DSML｜tool_calls>", elements(DSML, false))), "<｜tool▁call▁end｜>", "```<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>",
                    "</｜DSML｜function_calls>", "</｜DSML｜tool_calls>");
            case HARMONY -> Optional.empty();
            case GEMMA -> Optional.of(new Syntax(List.of(opener("```tool_code", python(c -> c::isTool), json()),
                    opener("```tool_call", python(c -> c::isTool), json()), opener("```json", bareJson())), List.of(barePython(), bareJson()),
                    List.of("```"), List.of(), List.of(THINK)));
            case GEMMA4 -> Optional.of(new Syntax(List.of(opener("<|tool_call>", headed(GEMMA_HEADER, "<|\"|>")),
                    opener("<start_function_call>", headed(GEMMA_HEADER, "<escape>"))), List.of(), List.of("<tool_call|>", "<end_function_call>"),
                    List.of(), List.of(new Fence("<|channel>thought", "<channel|>"))));
            case GRANITE -> Optional.of(new Syntax(List.of(opener("<|tool_call|>", json()), opener("<tool_call>", json())), List.of(),
                    List.of("<|/tool_call|>", "</tool_call>"), List.of(), List.of(THINK,
                            new Fence("Here is my thought process:", "Here is my response:"),
                            new Fence("Here's my thought process:", "Here's my response:"))));
            case PHI -> marked(List.of(opener("<|tool_call|>", json()), opener("functools", json())), "<|/tool_call|>");
            case COMMAND -> Optional.of(new Syntax(List.of(opener("<|START_ACTION|>", json()), opener("Action: ```json", json())), List.of(),
                    List.of("<|END_ACTION|>", "```"), List.of("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"),
                    List.of(new Fence("<|START_THINKING|>", "<|END_THINKING|>"))));
            case GLM -> marked(List.of(opener("<tool_call>", elements(ARG_KEY, false), json())), "</tool_call>");
            case KIMI -> marked(List.of(opener("<|tool_calls_section_begin|>", headed(KIMI_HEADER)), opener("<|tool_call_begin|>", headed(KIMI_HEADER))),
                    "<|tool_call_end|>", "<|tool_calls_section_end|>");
            case SEED -> Optional.of(new Syntax(List.of(opener("<seed:tool_call>", elements(FUNCTION, false))), List.of(),
                    List.of("</seed:tool_call>"), List.of(), List.of(new Fence("<seed:think>", "</seed:think>"))));
            case MINIMAX -> marked(List.of(opener("<minimax:tool_call>", elements(INVOKE, false))), "</minimax:tool_call>");
        };
    }

    private static Optional<Syntax> marked(List<Opener> openers, String... closers) {
        return Optional.of(new Syntax(openers, List.of(), List.of(closers), List.of(), List.of(THINK)));
    }

    private static List<Opener> llamaOpeners(Opener... others) {
        var openers = new ArrayList<>(Arrays.asList(others));
        openers.add(opener("<|python_tag|>", json(), python(c -> name -> name.endsWith(".call") || c.isTool(name))));
        openers.add(opener("<function=", headed(FUNCTION_HEADER)));
        return openers;
    }

    private static Opener opener(String text, Function<Context, CallReader> reader) {
        return new Opener(text, List.of(reader));
    }

    private static Opener opener(String text, Function<Context, CallReader> reader, Function<Context, CallReader> otherwise) {
        return new Opener(text, List.of(reader, otherwise));
    }

    private static Function<Context, CallReader> json() {
        return c -> new JsonCalls(() -> new JsonCall(_ -> true, false, c.ends()), false);
    }

    private static Function<Context, CallReader> bareJson() {
        return c -> new JsonCalls(() -> new JsonCall(c::isTool, true, c.ends()), true);
    }

    private static Function<Context, CallReader> python(Function<Context, Predicate<String>> accepts) {
        return c -> new PythonCalls(accepts.apply(c), false, c.ends());
    }

    private static Function<Context, CallReader> barePython() {
        return c -> new PythonCalls(c::isTool, true, c.ends());
    }

    private static Function<Context, CallReader> headed(Pattern header) {
        return c -> new HeadedCall(header, new JsonValue(), c.ends());
    }

    private static Function<Context, CallReader> headed(Pattern header, String quote) {
        return c -> new HeadedCall(header, new GemmaValue(quote), c.ends());
    }

    private static Function<Context, CallReader> elements(Tags tags, boolean named) {
        return c -> new ElementCalls(tags, named, c.types(), c.ends());
    }
}
