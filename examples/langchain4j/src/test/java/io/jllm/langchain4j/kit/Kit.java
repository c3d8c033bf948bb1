package io.jllm.langchain4j.kit;

import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import io.jllm.demo.DemoModel;
import io.jllm.langchain4j.ScriptedLlm;

/** The scripted model, and how it is spoken to. */
final class Kit implements AutoCloseable {
    /** With tools, as Hermes and Qwen write them. */
    static final ChatOptions OPTIONS = ChatOptions.builder().template("""
            {%- if tools %}<|im_start|>system
            Call by <tool_call>{"name": "f", "arguments": {}}</tool_call>:{% for t in tools %} {{ t | tojson }}{% endfor %}<|im_end|>
            {% endif -%}
            {%- for m in messages -%}
            <|im_start|>{{ m.role }}
            {{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}<|im_end|>
            {% endfor -%}
            {%- if add_generation_prompt %}<|im_start|>assistant
            {% endif -%}
            """).build();

    private final LLM real = LLM.load(DemoModel.path()).threads(1).open();
    final LLM llm = ScriptedLlm.over(real, new KitScript());

    /** A model that was closed, so that every request fails. */
    static LLM closed() {
        LLM llm = LLM.load(DemoModel.path()).threads(1).open();
        llm.close();
        return llm;
    }

    @Override
    public void close() {
        real.close();
    }
}
