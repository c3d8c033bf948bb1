/**
 * A program compiled for this machine: one object an op, run by a team of threads.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Compiler}: turns a program into ops
 * <li>{@link CompiledOp}, {@link RowOps}, {@link LinearOp}, {@link ArrangeOp}, {@link RopeOp}, {@link AttentionOp}: the ops;
 * {@link MachineRopeOp} is one of them in machine code
 * <li>{@link KernelChoice}: which loops they use
 * <li>{@link DeviceWeights}, {@link KvCache}, {@link Activations}: weights, keys and values, and scratch memory; {@link TokenSpace},
 * {@link RopeTable}: what products and rotation keep there
 * <li>{@link SequenceIndex}, {@link AttentionTiles}: how the tokens of a step are shared out
 * <li>{@link AttentionChunks}, {@link PlainChunks}, {@link MachineChunks}: attention over chunks of positions; {@link PartialSums},
 * {@link NativeSums}, {@link ChunkSums}, {@link SoftmaxSums}, {@link RowSums}: sums of chunks, added up in one order
 * </ul>
 */
package io.jllm.cpu.op;
