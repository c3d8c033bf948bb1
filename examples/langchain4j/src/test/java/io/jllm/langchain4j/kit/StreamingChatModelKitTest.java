package io.jllm.langchain4j.kit;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.argThat;
import static org.mockito.Mockito.atLeastOnce;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import io.jllm.langchain4j.JllmChatModelBuilder;
import io.jllm.langchain4j.JllmChatRequestParameters;
import io.jllm.langchain4j.JllmChatResponseMetadata;
import io.jllm.langchain4j.JllmStreamingChatModel;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.mockito.InOrder;

/** LangChain4j's own tests of streaming chat models; nothing but images is switched off. */
class StreamingChatModelKitTest extends AbstractStreamingChatModelIT {
    private final Kit kit = new Kit();

    @AfterAll
    void close() {
        kit.close();
    }

    private JllmChatModelBuilder<JllmStreamingChatModel> builder() {
        return JllmStreamingChatModel.builder(kit.llm).chatOptions(Kit.OPTIONS).model(customModelName(), kit.llm);
    }

    @Override
    protected List<StreamingChatModel> models() {
        return List.of(builder().build());
    }

    @Override
    protected String customModelName() {
        return "another";
    }

    @Override
    protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
        return builder().defaultRequestParameters(parameters).build();
    }

    @Override
    public StreamingChatModel createModelWith(ChatModelListener listener) {
        return builder().listeners(listener).build();
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return JllmChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
    }

    @Override
    protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(StreamingChatModel model) {
        return JllmChatResponseMetadata.class;
    }

    @Override
    protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder io, String id) {
        verifyCalls(handler, io, id);
    }

    @Override
    protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder io, String id1, String id2) {
        verifyCalls(handler, io, id1, id2);
    }

    /** The weather in Munich was asked for. */
    static void verifyCalls(StreamingChatResponseHandler handler, InOrder io, String id) {
        verifyCall(handler, io, 0, id, "getWeather", "{\"city\": \"Munich\"}");
    }

    /** And the time in France. */
    static void verifyCalls(StreamingChatResponseHandler handler, InOrder io, String id1, String id2) {
        verifyCalls(handler, io, id1);
        verifyCall(handler, io, 1, id2, "getTime", "{\"country\": \"France\"}");
    }

    private static void verifyCall(StreamingChatResponseHandler handler, InOrder io, int index, String id, String name, String arguments) {
        io.verify(handler, atLeastOnce()).onPartialToolCall(argThat(p -> p.index() == index && p.id().equals(id) && p.name().equals(name)), any());
        io.verify(handler).onCompleteToolCall(complete(index, id, name, arguments));
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
