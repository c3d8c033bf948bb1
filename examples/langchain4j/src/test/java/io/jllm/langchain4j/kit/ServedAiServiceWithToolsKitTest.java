package io.jllm.langchain4j.kit;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceWithToolsIT;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's own tests of AI services over HTTP with tools; nothing but images is switched off. */
class ServedAiServiceWithToolsKitTest extends AbstractAiServiceWithToolsIT {
    private static final String PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

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
