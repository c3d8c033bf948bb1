/**
 * Families with root-mean-square norms, rotated heads and a gate in the feed-forward part.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Llama}: the plainest; {@link Mistral} adds windows, {@link Qwen2} biases, {@link Qwen3} norms of queries and keys,
 * {@link SeedOss} another name, {@link SmolLm3} layers that know no positions, {@link Ernie4_5} other
 * pairs
 * <li>{@link Qwen}, {@link Baichuan}, {@link InternLm2} and {@link ChatGlm}: of before llama's names were common; q, k and v in one product
 * </ul>
 */
package io.jllm.model.arch.llama;
