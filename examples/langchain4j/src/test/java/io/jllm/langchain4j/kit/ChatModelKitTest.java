package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import io.jllm.langchain4j.JllmChatModel;
import io.jllm.langchain4j.JllmChatModelBuilder;
import io.jllm.langchain4j.JllmChatRequestParameters;
import io.jllm.langchain4j.JllmChatResponseMetadata;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's own tests of chat models; nothing but images is switched off. */
class ChatModelKitTest extends AbstractChatModelIT {
    private final Kit kit = new Kit();

    @AfterAll
    void close() {
        kit.close();
    }

    private JllmChatModelBuilder<JllmChatModel> builder() {
        return JllmChatModel.builder(kit.llm).chatOptions(Kit.OPTIONS).model(customModelName(), kit.llm);
    }

    @Override
    protected List<ChatModel> models() {
        return List.of(builder().build());
    }

    @Override
    protected String customModelName() {
        return "another";
    }

    @Override
    protected ChatModel createModelWith(ChatRequestParameters parameters) {
        return builder().defaultRequestParameters(parameters).build();
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return JllmChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
    }

    @Override
    protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(ChatModel model) {
        return JllmChatResponseMetadata.class;
    }

    @Override
    protected boolean supportsSingleImageInputAsBase64EncodedString() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsPublicURL() {
        return false;
    }
}
