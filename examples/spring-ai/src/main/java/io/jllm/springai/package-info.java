/**
 * Spring AI's models over a model in the same JVM.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link JllmChatModel}: chat, whole and as it comes
 * <li>{@link JllmChatOptions}: what may be asked for, with each prompt or once
 * <li>{@link ChatRequests}: a prompt becomes messages, tools and sampling settings
 * <li>{@link ChatResponses}: what was answered becomes a response
 * <li>{@link JllmOutputConverter}: entities by schemas that say all
 * <li>{@link JllmEmbeddingModel}: vectors of texts
 * <li>{@link JllmTokenCountEstimator}: how many tokens texts are, exactly
 * <li>{@link ModelBuilder}: what puts both models together
 * </ul>
 */
@NullMarked
package io.jllm.springai;

import org.jspecify.annotations.NullMarked;
