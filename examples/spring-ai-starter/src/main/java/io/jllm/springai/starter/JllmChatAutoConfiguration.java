package io.jllm.springai.starter;

import io.jllm.LLM;
import io.jllm.chat.ChatOptions;
import io.jllm.springai.JllmChatModel;
import io.jllm.springai.JllmTokenCountEstimator;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.ai.chat.client.AdvisorParams;
import org.springframework.ai.chat.client.ChatClientBuilderCustomizer;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.model.SpringAIModelProperties;
import org.springframework.ai.model.chat.client.autoconfigure.ChatClientAutoConfiguration;
import org.springframework.ai.model.tool.ToolCallingManager;
import org.springframework.ai.model.tool.autoconfigure.ToolCallingAutoConfiguration;
import org.springframework.ai.tokenizer.TokenCountEstimator;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;

/** Spring AI's chat model, and with it the application's {@code ChatClient.Builder}, whose entities are bound by their schemas. */
@AutoConfiguration(after = {JllmAutoConfiguration.class, ToolCallingAutoConfiguration.class}, before = ChatClientAutoConfiguration.class)
@ConditionalOnProperty(name = SpringAIModelProperties.CHAT_MODEL, havingValue = JllmAutoConfiguration.NAME, matchIfMissing = true)
public class JllmChatAutoConfiguration {
    @Bean
    @ConditionalOnMissingBean
    JllmChatModel jllmChatModel(LLM llm, JllmProperties properties, ToolCallingManager tools, ObjectProvider<ObservationRegistry> observations,
                                ObjectProvider<ChatModelObservationConvention> convention) {
        JllmChatModel.Builder b = JllmChatModel.builder(llm).modelName(properties.name()).options(properties.chat().options())
                .chatOptions(chatOptions(llm, properties.chat())).toolCallingManager(tools);
        observations.ifUnique(b::observationRegistry);
        convention.ifAvailable(b::observationConvention);
        return b.build();
    }

    private static ChatOptions chatOptions(LLM llm, JllmProperties.Chat chat) {
        ChatOptions.Builder b = ChatOptions.builder();
        if (chat.template() != null) {
            b.template(chat.template());
        } else if (chat.fallbackTemplate() != null && llm.chatTemplate().isEmpty()) {
            b.template(chat.fallbackTemplate());
        }
        return chat.answerFormat() == null ? b.build() : b.answerFormat(chat.answerFormat()).build();
    }

    @Bean
    @ConditionalOnProperty(name = "spring.ai.jllm.chat.native-structured-output", havingValue = "true", matchIfMissing = true)
    ChatClientBuilderCustomizer jllmStructuredOutput() {
        return builder -> builder.defaultAdvisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT);
    }

    @Bean
    @ConditionalOnMissingBean
    TokenCountEstimator jllmTokenCountEstimator(LLM llm) {
        return new JllmTokenCountEstimator(llm.tokenizer());
    }
}
