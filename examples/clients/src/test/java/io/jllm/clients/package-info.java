/**
 * Clients that others wrote, as applications use them, against a server with the demo model.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ServedTest}: the server that they ask
 * <li>{@link OpenAiJavaTest}: OpenAI's own client, which checks the shape of all that it gets
 * <li>{@link LangChain4jTest}, {@link SpringAiTest}: the frameworks' models for servers that speak OpenAI's protocol
 * <li>{@link PlainHttpTest}: the calls of a first encounter, as people type them
 * </ul>
 */
package io.jllm.clients;
