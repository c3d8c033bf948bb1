/**
 * Programs that use the library as an application would, each of them whole.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Generate}: the shortest
 * <li>{@link Stream}, {@link Batch}, {@link Beam}: text as it comes, several prompts, the likeliest texts
 * <li>{@link Chat}, {@link ToolCalls}, {@link JsonRecord}, {@link Embeddings}: conversations, methods that a model calls, answers that are
 * records, vectors of texts
 * <li>{@link Cancel}, {@link ConcurrentCallers}: several threads
 * <li>{@link Metrics}: the engine's counts for a monitoring system
 * </ul>
 */
package io.jllm.examples;
