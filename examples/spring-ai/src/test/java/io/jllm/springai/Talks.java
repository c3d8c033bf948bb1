package io.jllm.springai;

import io.jllm.EngineMetrics;
import io.jllm.LLM;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.ChatOptions;
import io.jllm.demo.DemoModel;
import java.util.function.Predicate;

/** The demo model, told how to talk: what is said is written down in a row, and calls are written as Hermes does. */
final class Talks {
    static final String NAME = DemoModel.NAME;

    private static final String TEMPLATE = "{% for t in tools or [] %}{{ t.function.name }} {% endfor %}"
            + "{% for m in messages %}{{ m.content }}{{ m.tool_calls }} {% endfor %}{# <tool_call> #}";

    private Talks() {
    }

    static LLM open() {
        return LLM.load(DemoModel.path()).maxSequences(8).open();
    }

    static ChatOptions options() {
        return ChatOptions.builder().template(TEMPLATE).answerFormat(AnswerFormat.HERMES).build();
    }

    static JllmChatOptions.Builder greedy(int tokens) {
        return JllmChatOptions.builder().temperature(0.0).maxTokens(tokens);
    }

    static JllmChatModel.Builder model(LLM llm) {
        return JllmChatModel.builder(llm).modelName(NAME).chatOptions(options()).options(greedy(24).build());
    }

    /** Waits for something that must come. */
    static void await(LLM llm, Predicate<EngineMetrics> state) throws InterruptedException {
        while (!state.test(llm.metrics())) {
            Thread.sleep(5);
        }
    }
}
