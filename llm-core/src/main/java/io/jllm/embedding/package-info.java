/**
 * Vectors of texts.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link EmbeddingParams}: how they are made, by which {@link Pooling}
 * <li>{@link EmbeddingOutput}: the vector of one text
 * </ul>
 */
package io.jllm.embedding;
