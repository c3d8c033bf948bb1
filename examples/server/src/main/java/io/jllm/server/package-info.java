/**
 * A server for models, by the protocols of OpenAI and Anthropic.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link LlmServer}: the server, and what it offers
 * <li>{@link LlmServerBuilder}: its settings
 * </ul>
 *
 * <p>Behind it, each a package: {@link io.jllm.server.http.Call HTTP}, {@link io.jllm.server.json.Field JSON},
 * {@link io.jllm.server.model.Models models by name}, {@link io.jllm.server.generation.AnswerRun generating},
 * {@link io.jllm.server.openai.ChatCompletions OpenAI's protocol}, {@link io.jllm.server.responses.Responses its newer one},
 * {@link io.jllm.server.anthropic.Messages Anthropic's}, {@link io.jllm.server.metrics.Exposition metrics}, and
 * {@link io.jllm.server.service.Description what it says of itself}.
 */
package io.jllm.server;
