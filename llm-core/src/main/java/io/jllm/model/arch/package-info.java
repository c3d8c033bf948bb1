/**
 * The model families, a file each. To add one: a class here, and a line in the list.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Families}: the list
 * <li>{@link Decoder}: the parts that decoder-only transformers are put together from
 * <li>{@link Llama}: the plainest; {@link Mistral} adds windows, {@link Qwen2} biases, {@link Qwen3} norms of queries and keys,
 * {@link SeedOss} another name, {@link SmolLm3} layers that know no positions, {@link Ernie4_5} other
 * pairs
 * </ul>
 */
package io.jllm.model.arch;
