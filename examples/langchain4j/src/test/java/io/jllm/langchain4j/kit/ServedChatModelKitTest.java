package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.openai.OpenAiChatRequestParameters;
import dev.langchain4j.model.openai.OpenAiChatResponseMetadata;
import dev.langchain4j.model.openai.OpenAiTokenUsage;
import dev.langchain4j.model.output.TokenUsage;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's own tests of chat models over HTTP, by its client and our server; nothing but images is switched off. */
class ServedChatModelKitTest extends AbstractChatModelIT {
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
    protected String customModelName() {
        return ServedKit.OTHER;
    }

    @Override
    protected ChatModel createModelWith(ChatRequestParameters parameters) {
        String name = parameters.modelName() == null ? ServedKit.NAME : parameters.modelName();
        return kit.model().modelName(name).defaultRequestParameters(parameters).build();
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return OpenAiChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
    }

    @Override
    protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(ChatModel model) {
        return OpenAiChatResponseMetadata.class;
    }

    @Override
    protected Class<? extends TokenUsage> tokenUsageType(ChatModel model) {
        return OpenAiTokenUsage.class;
    }

    @Override
    protected boolean supportsSingleImageInputAsBase64EncodedString() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsPublicURL() {
        return false;
    }

    /** That images are refused is told by the server, and no UnsupportedFeatureException of the client's. */
    @Override
    protected boolean assertExceptionType() {
        return false;
    }
}
