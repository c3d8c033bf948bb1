/**
 * The tier in machine code, for x86-64 processors with AVX-512 VNNI or AVX2 on Linux. Not exported.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link MachineTier}: answers the contract with what follows
 * <li>{@link MachineProducts}, {@link MachineDecoder}, {@link MachineChunks}, {@link MachineRotation}, {@link MachineRows}, {@link MachineThin}: the
 * parts of the contract
 * <li>{@link MachineKernels}, {@link MachineAttention}, {@link RowFunctions}, {@link RopeFunctions}, {@link ThinFunctions}: the kernels that were
 * written
 * <li>{@link MachineCode}: the code in memory, and its calls
 * <li>{@link MachineSelfTest}, {@link AttentionSelfTest}, {@link RowSelfTest}, {@link ThinSelfTest}: the tests before use
 * <li>{@code machine.code} has the generators, {@code machine.asm} the assembler; memory that can be run and calls to it are bound in
 * {@code os}
 * </ul>
 */
package io.jllm.cpu.machine;
