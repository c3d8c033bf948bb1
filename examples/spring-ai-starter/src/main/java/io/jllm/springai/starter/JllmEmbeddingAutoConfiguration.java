package io.jllm.springai.starter;

import io.jllm.LLM;
import io.jllm.springai.JllmEmbeddingModel;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationConvention;
import org.springframework.ai.model.SpringAIModelProperties;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;

/** Spring AI's embedding model. */
@AutoConfiguration(after = JllmAutoConfiguration.class)
@ConditionalOnProperty(name = SpringAIModelProperties.TEXT_EMBEDDING_MODEL, havingValue = JllmAutoConfiguration.NAME, matchIfMissing = true)
public class JllmEmbeddingAutoConfiguration {
    @Bean
    @ConditionalOnMissingBean
    JllmEmbeddingModel jllmEmbeddingModel(LLM llm, JllmProperties properties, ObjectProvider<ObservationRegistry> observations,
                                          ObjectProvider<EmbeddingModelObservationConvention> convention) {
        JllmEmbeddingModel.Builder b = JllmEmbeddingModel.builder(llm).modelName(properties.name()).params(properties.embedding().params())
                .metadataMode(properties.embedding().metadataMode());
        observations.ifUnique(b::observationRegistry);
        convention.ifAvailable(b::observationConvention);
        return b.build();
    }
}
