package io.jllm.langchain4j.kit;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceWithToolsIT;
import io.jllm.langchain4j.JllmChatModel;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's own tests of AI services with tools; nothing but images is switched off. */
class AiServiceWithToolsKitTest extends AbstractAiServiceWithToolsIT {
    private static final String PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    private final Kit kit = new Kit();

    @AfterAll
    void close() {
        kit.close();
    }

    @Override
    protected List<ChatModel> models() {
        return List.of(JllmChatModel.builder(kit.llm).chatOptions(Kit.OPTIONS).build());
    }

    @Override
    protected boolean supportsRecursion() {
        return true;
    }

    @Override
    protected boolean verifyModelInteractions() {
        return true;
    }

    /** An image of one pixel, and none of the web's: it is refused. */
    @Override
    protected Image catImage() {
        return Image.builder().base64Data(PIXEL).mimeType("image/png").build();
    }
}
