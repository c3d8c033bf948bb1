package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceWithJsonSchemaIT;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's own tests of AI services over HTTP that return objects. */
class ServedAiServiceWithSchemaKitTest extends AbstractAiServiceWithJsonSchemaIT {
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
    protected boolean supportsRecursion() {
        return true;
    }
}
