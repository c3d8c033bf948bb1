/**
 * Weights on the device.
 *
 * <p>To read: {@link io.jllm.cuda.weights.WeightPlan} says which matrices and vectors of a program go where,
 * {@link io.jllm.cuda.weights.WeightLoader} brings them there.
 */
package io.jllm.cuda.weights;
