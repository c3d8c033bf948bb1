package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatRequestParameters;
import dev.langchain4j.model.openai.OpenAiChatResponseMetadata;
import dev.langchain4j.model.openai.OpenAiTokenUsage;
import dev.langchain4j.model.output.TokenUsage;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.mockito.InOrder;

/**
 * LangChain4j's own tests of streaming chat models over HTTP, by its client and our server. Images are switched off, and which thread of the
 * client's calls the handler.
 */
class ServedStreamingChatModelKitTest extends AbstractStreamingChatModelIT {
    private final ServedKit kit = new ServedKit();

    @AfterAll
    void close() {
        kit.close();
    }

    @Override
    protected List<StreamingChatModel> models() {
        return List.of(kit.streaming().build());
    }

    @Override
    protected String customModelName() {
        return ServedKit.OTHER;
    }

    @Override
    protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
        String name = parameters.modelName() == null ? ServedKit.NAME : parameters.modelName();
        return kit.streaming().modelName(name).defaultRequestParameters(parameters).build();
    }

    @Override
    public StreamingChatModel createModelWith(ChatModelListener listener) {
        return kit.streaming().listeners(listener).build();
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return OpenAiChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
    }

    @Override
    protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(StreamingChatModel model) {
        return OpenAiChatResponseMetadata.class;
    }

    @Override
    protected Class<? extends TokenUsage> tokenUsageType(StreamingChatModel model) {
        return OpenAiTokenUsage.class;
    }

    @Override
    protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder io, String id) {
        StreamingChatModelKitTest.verifyCalls(handler, io, id);
    }

    @Override
    protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder io, String id1, String id2) {
        StreamingChatModelKitTest.verifyCalls(handler, io, id1, id2);
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

    /** The client's own affair: it calls the handler on the asking thread where the server's answer has begun before it hangs on the future. */
    @Override
    protected boolean assertThreads() {
        return false;
    }
}
