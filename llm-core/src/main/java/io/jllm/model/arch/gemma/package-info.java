/**
 * The Gemmas: scaled embeddings, norms whose weights are stored less one, tanh GELU.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link GemmaLike}: what they have in common
 * <li>{@link Gemma}, {@link Gemma2}, {@link Gemma3}: the families
 * </ul>
 */
package io.jllm.model.arch.gemma;
