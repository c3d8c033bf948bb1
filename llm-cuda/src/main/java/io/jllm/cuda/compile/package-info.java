/**
 * A program compiled to launches of kernels, in several ways: for one row, for a few, for any number.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Compiler}: ops to launches; {@link Mode} says what for, {@link Values} where its values lie
 * <li>{@link CompiledOps}, {@link CompiledOp}: what comes of it
 * <li>{@link Fusion}: neighbours that one kernel does
 * <li>{@link LinearOp}, {@link TensorProduct}, {@link AttentionOp}: the larger ops; the others treat each row by itself
 * <li>{@link DeviceState}: the addresses of everything that kernels read and write
 * <li>{@link GraphCache}: decode steps as graphs; {@link ChainShape}: one sequence as one launch
 * </ul>
 */
package io.jllm.cuda.compile;
