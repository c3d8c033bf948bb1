/**
 * A program compiled for this machine: one object an op, run by a team of threads.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Compiler}: turns a program into ops
 * <li>{@link CompiledOp}: an op, compiled: {@link RowOps}, {@link LinearOp}, {@link ArrangeOp}, {@link RopeOp}, {@link AttentionOp},
 * {@link RowSums}
 * <li>{@link DeviceWeights}, {@link Activations}: weights, and scratch memory; {@link TokenSpace}, {@link RopeTable}: what products and rotation
 * keep there
 * <li>io.jllm.cpu.kernels: the loops that these call, keys and values in blocks, and how attention is shared out
 * </ul>
 */
package io.jllm.cpu.op;
