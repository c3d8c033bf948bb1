package io.jllm.springai.starter;

import io.jllm.EngineListener;
import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.hub.Hub;
import io.jllm.hub.HubName;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.model.SpringAIModelProperties;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.AnyNestedCondition;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;

/**
 * The model itself, loaded once, for everything that asks for an {@link LLM}. Beans that are {@link EngineListener} are told what its engine does.
 * Nothing is loaded where {@code spring.ai.model.chat} and {@code spring.ai.model.embedding.text} both name others.
 */
@AutoConfiguration
@Conditional(JllmAutoConfiguration.IsWanted.class)
@EnableConfigurationProperties(JllmProperties.class)
public class JllmAutoConfiguration {
    static final String NAME = "jllm";

    /** Whether either of Spring AI's models is ours. */
    static final class IsWanted extends AnyNestedCondition {
        IsWanted() {
            super(ConfigurationPhase.REGISTER_BEAN);
        }

        @ConditionalOnProperty(name = SpringAIModelProperties.CHAT_MODEL, havingValue = NAME, matchIfMissing = true)
        static final class Chat {
        }

        @ConditionalOnProperty(name = SpringAIModelProperties.TEXT_EMBEDDING_MODEL, havingValue = NAME, matchIfMissing = true)
        static final class Embedding {
        }
    }

    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    LLM llm(JllmProperties p, ObjectProvider<EngineListener> listeners, ObjectProvider<LlmBuilderCustomizer> customizers) {
        LlmBuilder b = LLM.load(file(p));
        set(p.backend()).ifPresent(b::backend);
        set(p.threads()).ifPresent(b::threads);
        set(p.kernels()).ifPresent(b::kernels);
        set(p.activations()).ifPresent(b::activations);
        set(p.maxContext()).ifPresent(b::maxContext);
        set(p.maxSequences()).ifPresent(b::maxSequences);
        set(p.maxTokensPerStep()).ifPresent(b::maxTokensPerStep);
        set(p.maxQueuedRequests()).ifPresent(b::maxQueuedRequests);
        set(p.kvCache()).ifPresent(size -> b.kvCache(size.toBytes()));
        set(p.kvType()).ifPresent(b::kvType);
        set(p.gpuMemoryFraction()).ifPresent(b::gpuMemoryFraction);
        set(p.prefixCache()).ifPresent(b::prefixCache);
        listeners.orderedStream().forEach(b::listener);
        customizers.orderedStream().forEach(c -> c.customize(b));
        return b.open();
    }

    private static Path file(JllmProperties p) {
        String model = set(p.model()).orElseThrow(() -> new ModelNotNamedException("spring.ai.jllm.model is not set"));
        return HubName.isName(model) ? Hub.get(model) : Path.of(model);
    }

    private static <T> Optional<T> set(@Nullable T value) {
        return Optional.ofNullable(value);
    }

    @Bean
    @ConditionalOnMissingBean
    JllmLifecycle jllmLifecycle(LLM llm) {
        return new JllmLifecycle(llm);
    }

    /** Nobody has said which model. */
    static final class ModelNotNamedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        ModelNotNamedException(String message) {
            super(message);
        }
    }
}
