/**
 * Anthropic's {@code /v1/messages}.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Messages}: the endpoint; {@link MessageTokens} counts what it would read
 * <li>{@link MessageAsk}, {@link InputBlocks}: what a request asks, and the conversation that it holds
 * <li>{@link OutputBlocks}: the answer as blocks, whole and as it comes
 * </ul>
 */
package io.jllm.server.anthropic;
