/**
 * Families with root-mean-square norms, rotated heads and a gate in the feed-forward part.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Llama}: the plainest; {@link Mistral} adds windows, {@link Qwen2} biases, {@link Qwen3} norms of queries and keys,
 * {@link SeedOss} another name, {@link SmolLm3} layers that know no positions, {@link Ernie4_5} other pairs, {@link Phi3} matrices that are
 * several in one, {@link Granite} scales, {@link Ministral3} growing queries, {@link HunyuanDense} norms after rotation
 * <li>{@link Exaone4}, and with {@link OlmoLike} {@link Olmo2} and {@link Olmo3}: norms after products and not before them
 * <li>{@link Olmo}, and with {@link CohereLike} {@link Cohere} and {@link Cohere2}: layer norms
 * <li>{@link GlmLike}, {@link Glm}, {@link Glm4}: half of each head is rotated
 * </ul>
 */
package io.jllm.model.arch.llama;
