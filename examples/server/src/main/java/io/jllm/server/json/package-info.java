/**
 * JSON of requests and replies.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Field}: a place in the body of a request, by its name; what is wrong there is a {@link BadField}
 * <li>{@link Json}, {@link JsonBuilder}: bodies of replies
 * </ul>
 */
package io.jllm.server.json;
