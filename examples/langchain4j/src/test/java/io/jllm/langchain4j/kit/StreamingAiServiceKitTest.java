package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.service.common.AbstractStreamingAiServiceIT;
import io.jllm.langchain4j.JllmChatResponseMetadata;
import io.jllm.langchain4j.JllmStreamingChatModel;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's own tests of AI services that stream. */
class StreamingAiServiceKitTest extends AbstractStreamingAiServiceIT {
    private final Kit kit = new Kit();

    @AfterAll
    void close() {
        kit.close();
    }

    @Override
    protected List<StreamingChatModel> models() {
        return List.of(JllmStreamingChatModel.builder(kit.llm).chatOptions(Kit.OPTIONS).build());
    }

    @Override
    protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(StreamingChatModel model) {
        return JllmChatResponseMetadata.class;
    }
}
