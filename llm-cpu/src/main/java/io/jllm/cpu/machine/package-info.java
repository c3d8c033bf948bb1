/**
 * Kernels in machine code, written from plain Java for the processor at hand, and tested against plain Java before they are used.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link MachineKernels}, {@link MachineAttention}, {@link RowFunctions}, {@link RopeFunctions}: what others call: products, attention,
 * rows, rotation
 * <li>{@link MachineCode}: the code in memory, and its calls
 * <li>{@link ProductCode}, {@link BlockCode}, {@link IntegerCode}, {@link FloatCode}: a product from the outside to the inside, with
 * {@link Pass}, {@link Planes} and {@link Scales}; {@link PackCode} rearranges weights, {@link QuantizeCode} tokens
 * <li>{@link AttentionCode}, {@link ScoreCode}, {@link SoftmaxCode}, {@link ValueCode}, {@link MergeCode}: attention over chunks
 * <li>{@link RowCode}, {@link RopeCode}, {@link RopeShape}: norms, activations, rotation
 * <li>{@link MachineSelfTest}, {@link AttentionSelfTest}, {@link RowSelfTest}: the tests before use
 * <li>io.jllm.cpu.machine.asm writes the instructions; io.jllm.cpu.os has the memory and makes the calls
 * </ul>
 */
package io.jllm.cpu.machine;
