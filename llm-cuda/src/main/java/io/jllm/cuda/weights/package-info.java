/**
 * Weights on their way to the device, and as they lie there.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link WeightPlan}: where each tensor goes; those side by side are one matrix, which lies as its format wants it
 * <li>{@link WeightLoader}: brings them, through pinned memory, at the speed of the bus
 * </ul>
 */
package io.jllm.cuda.weights;
