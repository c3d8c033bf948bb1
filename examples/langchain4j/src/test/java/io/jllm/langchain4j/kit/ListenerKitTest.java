package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import io.jllm.LLM;
import io.jllm.langchain4j.JllmChatModel;
import org.junit.jupiter.api.AfterEach;

/** LangChain4j's own tests of listeners. */
class ListenerKitTest extends AbstractChatModelListenerIT {
    private final Kit kit = new Kit();

    @AfterEach
    void close() {
        kit.close();
    }

    private ChatModel model(LLM llm, ChatModelListener listener) {
        return JllmChatModel.builder(llm).chatOptions(Kit.OPTIONS).modelName(modelName()).temperature(temperature()).topP(topP())
                .maxOutputTokens(maxTokens()).listeners(listener).build();
    }

    @Override
    protected ChatModel createModel(ChatModelListener listener) {
        return model(kit.llm, listener);
    }

    @Override
    protected String modelName() {
        return "scripted";
    }

    @Override
    protected ChatModel createFailingModel(ChatModelListener listener) {
        return model(Kit.closed(), listener);
    }

    @Override
    protected Class<? extends Exception> expectedExceptionClass() {
        return IllegalStateException.class;
    }
}
