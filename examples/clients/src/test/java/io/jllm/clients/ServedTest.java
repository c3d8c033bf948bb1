package io.jllm.clients;

import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import io.jllm.demo.DemoModel;
import io.jllm.server.LlmServer;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeAll;

/** A server for the demo model, on a port of its own, for the tests of a class. After each of them nothing is in use. */
abstract class ServedTest {
    static final String MODEL = "demo";
    static final String KEY = "a-key";
    /** With tools, as Hermes and Qwen write them. */
    private static final String TEMPLATE = """
            {%- if tools %}<|im_start|>system
            Call by <tool_call>{"name": "f", "arguments": {}}</tool_call>:{% for t in tools %} {{ t | tojson }}{% endfor %}<|im_end|>
            {% endif -%}
            {%- for m in messages -%}
            <|im_start|>{{ m.role }}
            {{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}<|im_end|>
            {% endfor -%}
            {%- if add_generation_prompt %}<|im_start|>assistant
            {% endif -%}
            """;

    private static LLM llm;
    private static LlmServer server;

    @BeforeAll
    static void start() throws IOException {
        llm = LLM.load(DemoModel.path()).threads(1).open();
        server = LlmServer.builder().model(MODEL, llm).apiKeys(List.of(KEY)).port(0)
                .chatOptions(ChatOptions.builder().template(TEMPLATE).build()).start();
    }

    @AfterAll
    static void stop() {
        server.close();
        llm.close();
    }

    /** Where clients begin. */
    static String base() {
        return server.uri() + "/v1";
    }

    @AfterEach
    void nothingIsInUse() throws InterruptedException {
        while (server.activeRequests() > 0 || llm.metrics().running() + llm.metrics().waiting() > 0) {
            Thread.sleep(2);
        }
        Assertions.assertEquals(0, llm.metrics().usedKvBlocks());
    }
}
