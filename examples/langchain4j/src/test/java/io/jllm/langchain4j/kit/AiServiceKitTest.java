package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceIT;
import io.jllm.langchain4j.JllmChatModel;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's own tests of AI services. */
class AiServiceKitTest extends AbstractAiServiceIT {
    private final Kit kit = new Kit();

    @AfterAll
    void close() {
        kit.close();
    }

    @Override
    protected List<ChatModel> models() {
        return List.of(JllmChatModel.builder(kit.llm).chatOptions(Kit.OPTIONS).build());
    }
}
