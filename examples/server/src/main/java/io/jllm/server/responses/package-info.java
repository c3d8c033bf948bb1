/**
 * OpenAI's {@code /v1/responses}. Nothing is stored: each request holds its whole conversation.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Responses}: the endpoint
 * <li>{@link ResponseAsk}, {@link InputItems}: what a request asks, and the conversation that it holds
 * <li>{@link OutputItems}: the answer as items, whole and as it comes; {@link ResponseEvents} numbers the events
 * <li>{@link ResponseBody}: the response that items belong to
 * </ul>
 */
package io.jllm.server.responses;
