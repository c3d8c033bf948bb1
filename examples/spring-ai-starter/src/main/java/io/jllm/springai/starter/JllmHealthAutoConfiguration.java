package io.jllm.springai.starter;

import io.jllm.LLM;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

/** How the model is, where the application has Spring Boot's actuator; {@code management.health.jllm.enabled=false} leaves it out. */
@AutoConfiguration(after = JllmAutoConfiguration.class)
@ConditionalOnClass(HealthIndicator.class)
@ConditionalOnSingleCandidate(LLM.class)
@ConditionalOnEnabledHealthIndicator(JllmAutoConfiguration.NAME)
public class JllmHealthAutoConfiguration {
    @Bean
    @ConditionalOnMissingBean(name = "jllmHealthIndicator")
    JllmHealthIndicator jllmHealthIndicator(LLM llm) {
        return new JllmHealthIndicator(llm);
    }
}
