/**
 * From matrices and what is known of their inputs to whole numbers in groups.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link WeightRows}: what is rounded; {@link Rounding}: how, with a scale
 * <li>{@link Nearest}: each weight by itself
 * <li>{@link Moments}: what is known of inputs
 * <li>{@link GptqSolver}: errors made up for by other weights
 * <li>{@link ScaleSearch}, {@link ClipSearch}: AWQ's scales of inputs, and limits of weights
 * </ul>
 */
package io.jllm.convert.packed.solve;
