/**
 * Storage formats of weights: their geometry ({@link io.jllm.quant.DType}), readers and writers of their values
 * ({@link io.jllm.quant.Codec}, {@link io.jllm.quant.Encoder}), and the weights of a model ({@link io.jllm.quant.Weights}) wherever they come
 * from ({@link io.jllm.quant.WeightSource}).
 */
package io.jllm.quant;
