/**
 * From a program to launches, in one of four modes: the fewer rows, the more is fused; products of very many are tensor cores'.
 *
 * <p>To read: {@link io.jllm.cuda.compile.Compiler} walks the ops, {@link io.jllm.cuda.compile.Fusion} takes several at once, {@code RowOps},
 * {@code HeadOps} and {@code ExpertOps} those that the usual models do not have, {@code TensorOps} products by many rows, for which
 * {@link io.jllm.cuda.compile.TensorRoom} has memory; {@code Mixture} finds experts that are computed as a whole, in
 * {@link io.jllm.cuda.compile.MixtureRoom}; {@link io.jllm.cuda.compile.Limits} says what there is no room for.
 * {@link io.jllm.cuda.compile.Ordering} and {@link io.jllm.cuda.compile.Outliers} do to activations what packed weights ask for.
 * {@link io.jllm.cuda.compile.CompiledOps} makes chains of tasks of ops; {@link io.jllm.cuda.compile.DeviceState} says where everything is,
 * {@code Values} in which forms a value is wanted. {@code AdapterOps} launches what adapters change, for which
 * {@link io.jllm.cuda.compile.AdapterRoom} has memory. {@link io.jllm.cuda.compile.Passes} has the result for all kinds of steps, of which
 * {@link io.jllm.cuda.compile.GraphCache} makes graphs.
 */
package io.jllm.cuda.compile;
