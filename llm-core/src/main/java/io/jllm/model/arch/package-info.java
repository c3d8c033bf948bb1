/**
 * The model families, a file each. To add one: a class below here, and a line in the list.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Families}: the list, and {@link Recurrent}: those that cannot be on it
 * <li>io.jllm.model.decoder: what they are put together from
 * <li>io.jllm.model.arch.llama: root-mean-square norms and gates
 * <li>io.jllm.model.arch.gemma: the same, and scaled embeddings
 * <li>io.jllm.model.arch.gpt: layer norms
 * <li>io.jllm.model.arch.experts: mixtures of experts
 * </ul>
 */
package io.jllm.model.arch;
