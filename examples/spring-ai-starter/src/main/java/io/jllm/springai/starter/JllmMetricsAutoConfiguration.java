package io.jllm.springai.starter;

import io.jllm.LLM;
import io.jllm.micrometer.EngineMeters;
import io.jllm.micrometer.RequestMeters;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;

/** Meters by the names of vLLM, where the application has llm-micrometer and a registry. */
@AutoConfiguration(before = JllmAutoConfiguration.class,
        afterName = "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration")
@Conditional(JllmAutoConfiguration.IsWanted.class)
@ConditionalOnClass({MeterRegistry.class, EngineMeters.class})
@ConditionalOnBean(MeterRegistry.class)
public class JllmMetricsAutoConfiguration {
    /** A listener, which the LLM is given when it is loaded. */
    @Bean
    @ConditionalOnMissingBean
    RequestMeters jllmRequestMeters(MeterRegistry registry, JllmProperties properties) {
        return new RequestMeters(registry, properties.name());
    }

    /** Bound by Spring Boot. */
    @Bean
    @ConditionalOnMissingBean
    EngineMeters jllmEngineMeters(LLM llm, JllmProperties properties) {
        return new EngineMeters(llm, properties.name());
    }
}
