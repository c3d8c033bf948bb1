/**
 * Families with mixtures of experts.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Mixtral}: the plainest; {@link Qwen2Moe} has an expert that all tokens use and {@link QwenLayers} without, {@link Qwen3Moe} norms
 * of heads, {@link Olmoe} norms of rows, {@link GraniteMoe} factors, {@link PhiMoe} another way to choose
 * <li>{@link Glm4Moe}: chosen by sigmoids, with a bias
 * <li>{@link DeepseekV2}, {@link DeepseekV3} by {@link DeepseekModel}: latent attention
 * <li>{@link GptOss}: sinks and windows; {@link Llama4}: chunks and layers that know no positions
 * </ul>
 */
package io.jllm.model.arch.experts;
