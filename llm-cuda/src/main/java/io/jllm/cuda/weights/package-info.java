/**
 * Weights on the device.
 *
 * <p>To read: {@link io.jllm.cuda.weights.WeightPlan} says which matrices and, by its VectorPlan, vectors of a program go where,
 * {@link io.jllm.cuda.weights.WeightLoader} brings them there; {@link io.jllm.cuda.weights.DeviceSource} says what packed checkpoints are read as,
 * and in which order their columns stand.
 */
package io.jllm.cuda.weights;
