/**
 * A model in an application of Spring Boot, by properties alone.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link JllmProperties}: what can be set
 * <li>{@link JllmAutoConfiguration}: the library's LLM, which {@link LlmBuilderCustomizer customizers} of the application may change, and
 * {@link JllmLifecycle}, which lets what runs come to its end
 * <li>{@link JllmChatAutoConfiguration}, {@link JllmEmbeddingAutoConfiguration}: Spring AI's models over it
 * <li>{@link JllmHealthAutoConfiguration}, {@link JllmHealthIndicator}, {@link JllmMetricsAutoConfiguration}: how it is, where the application asks
 * <li>{@link ModelFailureAnalyzer}: why it could not be loaded, in words
 * </ul>
 */
@NullMarked
package io.jllm.springai.starter;

import org.jspecify.annotations.NullMarked;
