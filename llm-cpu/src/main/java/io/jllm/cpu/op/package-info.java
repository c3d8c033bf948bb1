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
 * <li>the rest: keys and values in blocks, how a step's tokens are shared out, and attention over chunks of positions, whose sums are added up
 * in one order
 * </ul>
 */
package io.jllm.cpu.op;
