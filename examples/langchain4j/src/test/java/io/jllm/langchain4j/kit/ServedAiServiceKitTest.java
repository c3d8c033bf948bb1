package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.openai.OpenAiTokenUsage;
import dev.langchain4j.model.output.TokenUsage;
import dev.langchain4j.service.common.AbstractAiServiceIT;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's own tests of AI services over HTTP. */
class ServedAiServiceKitTest extends AbstractAiServiceIT {
    private final ServedKit kit = new ServedKit();

    @AfterAll
    void close() {
        kit.close();
    }

    @Override
    protected List<ChatModel> models() {
        return List.of(kit.model().build());
    }

    @Override
    protected Class<? extends TokenUsage> tokenUsageType(ChatModel model) {
        return OpenAiTokenUsage.class;
    }
}
