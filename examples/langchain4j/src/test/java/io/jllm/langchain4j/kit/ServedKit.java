package io.jllm.langchain4j.kit;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import io.jllm.server.LlmServer;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The scripted model behind our server, and LangChain4j's client of OpenAI's protocol that speaks to it. */
final class ServedKit implements AutoCloseable {
    static final String NAME = "scripted";
    static final String OTHER = "another";

    private final Kit kit = new Kit();
    private final LlmServer server;

    ServedKit() {
        try {
            server = LlmServer.builder().model(NAME, kit.llm).model(OTHER, kit.llm).port(0).chatOptions(Kit.OPTIONS).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String url() {
        return server.uri().resolve("/v1").toString();
    }

    OpenAiChatModel.OpenAiChatModelBuilder model() {
        return OpenAiChatModel.builder().baseUrl(url()).apiKey("none").modelName(NAME).maxRetries(0)
                .supportedCapabilities(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
    }

    OpenAiStreamingChatModel.OpenAiStreamingChatModelBuilder streaming() {
        return OpenAiStreamingChatModel.builder().baseUrl(url()).apiKey("none").modelName(NAME);
    }

    @Override
    public void close() {
        server.close();
        kit.close();
    }
}
