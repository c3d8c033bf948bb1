/**
 * What model families are put together from.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Numbers}: the numbers that nearly all have, and {@link ConfigDefaults}: what {@code config.json} may leave out
 * <li>{@link Decoder}: the parts of decoder-only transformers
 * <li>{@link MadeWeights} and {@link Rows}: tensors that checkpoints hold in another form
 * <li>{@link LlamaLike}: a whole one, for families that differ from llama in little, and say in what to {@link DenseBuilder};
 * {@link DenseModel} is what comes of it, as {@link DenseTraits} describe it
 * <li>{@link Experts}: mixtures of experts, of tensors that {@link ExpertWeights} puts together ({@link ComposedWeights}), and
 * {@link SparseModel}: a whole model of them
 * <li>{@link LatentAttention}: attention by a short vector a position
 * </ul>
 */
package io.jllm.model.decoder;
