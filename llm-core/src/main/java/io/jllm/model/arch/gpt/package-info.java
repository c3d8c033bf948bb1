/**
 * Families after GPT: layer norms with biases, mostly a feed-forward part without a gate.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Gpt2}: learned positions; {@link GptBigCode}: its attention with one head of keys and values
 * <li>{@link Bloom} and {@link Mpt}: linear biases of attention
 * <li>{@link GptNeoX}, {@link GptJ}, {@link Phi}: rotation, attention and the feed-forward part side by side
 * <li>{@link Falcon}: all of these
 * <li>{@link Opt}, {@link StarCoder2}, {@link StableLm}, {@link Nemotron}: the others
 * </ul>
 */
package io.jllm.model.arch.gpt;
