package io.jllm.chat;

import java.util.List;

/**
 * How a family of models writes reasoning and tool calls. {@link #detect} recognises it from a chat template.
 *
 * <p>Reasoning stands between {@code <think>} and {@code </think>} where nothing else is said.
 */
public enum AnswerFormat {
    /** No tool calls; reasoning only. */
    PLAIN,
    /** Hermes, Qwen 2.5 and 3, Granite 4: {@code <tool_call>{"name": "f", "arguments": {...}}</tool_call>}. */
    HERMES,
    /** Qwen3-Coder, Nemotron 3: {@code <tool_call><function=f><parameter=a>1</parameter></function></tool_call>}; a Hermes call counts too. */
    QWEN_XML,
    /** Llama 3: {@code {"name": "f", "parameters": {...}}} as the whole answer or after {@code <|python_tag|>}; several with {@code ;} between. */
    LLAMA_JSON,
    /**
     * Llama 3.2 and 4: {@code [f(a=1), g(b="x")]} as the whole answer, or between {@code <|python_start|>} and {@code <|python_end|>}; LFM2's
     * {@code <|tool_call_start|>} and OLMo 3's {@code <function_calls>}; Llama 3's JSON counts too.
     */
    PYTHONIC,
    /** Mistral: {@code [TOOL_CALLS] [{"name": "f", "arguments": {...}}]} or {@code [TOOL_CALLS]f[ARGS]{...}}; {@code [THINK]}. */
    MISTRAL,
    /** DeepSeek V3, R1 and V3.1: {@code <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{...}<｜tool▁call▁end｜>}. */
    DEEPSEEK,
    /** gpt-oss: channels {@code analysis} (reasoning), {@code final} and {@code commentary}, which holds calls {@code to=functions.f}. */
    HARMONY,
    /** Gemma 3: a fence of {@code tool_code} with a call as Python writes it, a fence with JSON, or either as the whole answer. */
    GEMMA,
    /** Gemma 4 and FunctionGemma: <code>&lt;|tool_call>call:f{a:&lt;|"|>x&lt;|"|>,b:1}&lt;tool_call|></code>; {@code <|channel>thought}. */
    GEMMA4,
    /** Granite 3: {@code <|tool_call|>[{"name": "f", "arguments": {...}}]}; reasoning by "Here is my thought process:". */
    GRANITE,
    /** Phi-4-mini: {@code <|tool_call|>[{"name": "f", "arguments": {...}}]<|/tool_call|>}, or {@code functools[...]}. */
    PHI,
    /** Command R7B and A: {@code <|START_ACTION|>[{"tool_name": "f", "parameters": {...}}]<|END_ACTION|>}; {@code <|START_THINKING|>}. */
    COMMAND,
    /** GLM-4.5: {@code <tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>}. */
    GLM,
    /** Kimi K2: {@code <|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{...}<|tool_call_end|>}. */
    KIMI,
    /** Seed-OSS: as Qwen3-Coder within {@code <seed:tool_call>}; {@code <seed:think>}. */
    SEED,
    /** MiniMax M2: {@code <minimax:tool_call><invoke name="f"><parameter name="a">1</parameter></invoke></minimax:tool_call>}. */
    MINIMAX;

    private record Sign(AnswerFormat format, List<String> texts) {
        Sign(AnswerFormat format, String... texts) {
            this(format, List.of(texts));
        }
    }

    /** All texts of a sign must be in the template; the first that fits counts, so that what is special comes before what is general. */
    private static final List<Sign> SIGNS = List.of(
            new Sign(HARMONY, "<|channel|>", "<|message|>"),
            new Sign(GEMMA4, "<|tool_call>"),
            new Sign(GEMMA4, "<|channel>thought"),
            new Sign(GEMMA4, "<start_function_call>"),
            new Sign(KIMI, "<|tool_call_begin|>", "<|tool_call_argument_begin|>"),
            new Sign(DEEPSEEK, "tool▁call▁begin"),
            new Sign(SEED, "<seed:"),
            new Sign(MINIMAX, "<minimax:tool_call>"),
            new Sign(COMMAND, "<|START_ACTION|>"),
            new Sign(COMMAND, "<|START_OF_TURN_TOKEN|>"),
            new Sign(GLM, "<arg_key>"),
            new Sign(QWEN_XML, "<function=", "<parameter="),
            new Sign(MISTRAL, "[TOOL_CALLS]"),
            new Sign(MISTRAL, "[AVAILABLE_TOOLS]"),
            new Sign(MISTRAL, "[THINK]"),
            new Sign(PHI, "<|/tool_call|>"),
            new Sign(PHI, "functools["),
            new Sign(GRANITE, "<|tool_call|>"),
            new Sign(GRANITE, "<|start_of_role|>", "Here is my thought process"),
            new Sign(HERMES, "<tool_call>"),
            new Sign(PYTHONIC, "<|tool_list_start|>"),
            new Sign(PYTHONIC, "<|tool_call_start|>"),
            new Sign(PYTHONIC, "<function_calls>"),
            new Sign(PYTHONIC, "<|python_start|>"),
            new Sign(PYTHONIC, "<|header_start|>"),
            new Sign(PYTHONIC, "<|start_header_id|>", "[func_name1("),
            new Sign(LLAMA_JSON, "<|python_tag|>"),
            new Sign(LLAMA_JSON, "<|start_header_id|>", "tools"),
            new Sign(GEMMA, "<start_of_turn>"));

    /**
     * The format of the models that a chat template is for; {@link #PLAIN} if nothing in it tells.
     *
     * @param template the template's own text, or, if a model has several, that of the one for tools
     */
    public static AnswerFormat detect(String template) {
        return SIGNS.stream().filter(s -> s.texts.stream().allMatch(template::contains)).map(Sign::format).findFirst().orElse(PLAIN);
    }
}
