/**
 * The loops that take the time: their contracts, and plain Java for them, by which all others are tested.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Kernels}: the contract of floats: products, norms, rotation, attention
 * <li>{@link ScalarKernels}: it in plain Java
 * <li>{@link PackedKernels}: the contract of products of rearranged weights
 * <li>{@link Matrix}, {@link StoredMatrix}, {@link PackedMatrix}: weights, as the file has them or rearranged
 * <li>{@link Target}: where products go; {@link Workspace}: scratch memory of a thread
 * </ul>
 */
package io.jllm.cpu.kernels;
