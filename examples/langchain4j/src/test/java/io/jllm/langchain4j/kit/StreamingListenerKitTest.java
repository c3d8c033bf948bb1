package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import io.jllm.LLM;
import io.jllm.langchain4j.JllmStreamingChatModel;
import org.junit.jupiter.api.AfterEach;

/** LangChain4j's own tests of listeners to streams. */
class StreamingListenerKitTest extends AbstractStreamingChatModelListenerIT {
    private final Kit kit = new Kit();

    @AfterEach
    void close() {
        kit.close();
    }

    private StreamingChatModel model(LLM llm, ChatModelListener listener) {
        return JllmStreamingChatModel.builder(llm).chatOptions(Kit.OPTIONS).modelName(modelName()).temperature(temperature()).topP(topP())
                .maxOutputTokens(maxTokens()).listeners(listener).build();
    }

    @Override
    protected StreamingChatModel createModel(ChatModelListener listener) {
        return model(kit.llm, listener);
    }

    @Override
    protected String modelName() {
        return "scripted";
    }

    @Override
    protected StreamingChatModel createFailingModel(ChatModelListener listener) {
        return model(Kit.closed(), listener);
    }

    @Override
    protected Class<? extends Exception> expectedExceptionClass() {
        return IllegalStateException.class;
    }
}
