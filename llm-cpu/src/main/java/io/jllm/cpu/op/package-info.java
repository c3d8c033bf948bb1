/**
 * A program compiled for this machine: one object an op, run by a team of threads.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Compiler}: turns a program into ops
 * <li>{@link CompiledOp}: an op, compiled: {@link RowOps}, {@link LinearOp}, {@link ArrangeOp}, {@link HeadOps}, {@link RopeOp},
 * {@link AttentionOp}, {@link RowSums}; {@link OutlierOps}: products of LLM.int8()
 * <li>{@link ProductCompiler}: products, and what adapters add to them
 * <li>{@link PartCompiler}: experts and heads, of which each row meets some: {@link RouteOp}, {@link Grouping}, {@link ExpertOps},
 * {@link LatentOps}
 * <li>{@link AdapterOps}: what adapters change of some rows, after the program's own ops
 * <li>{@link TapOp}: tells a listener what matrices are multiplied with
 * <li>{@link DeviceWeights}, {@link Activations}: weights, and scratch memory; {@link MatrixUse}, {@link Product}: what is multiplied by what;
 * {@link TokenSpace}, {@link RopeTable}: what products and rotation keep
 * <li>io.jllm.cpu.kernels: the loops that these call, keys and values in blocks, and how attention is shared out
 * </ul>
 */
package io.jllm.cpu.op;
