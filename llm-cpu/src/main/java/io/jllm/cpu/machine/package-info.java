/**
 * The tier in machine code: {@link io.jllm.cpu.machine.MachineTier} answers the contract with what
 * {@link io.jllm.cpu.machine.MachineKernels} has written ({@link io.jllm.cpu.machine.MachineCode}) and tested (the classes named SelfTest).
 * Generators are in {@code machine.code}, the assembler for x86-64 in {@code machine.asm}; memory that can be run and the calls to it are
 * bound in {@code os}. Not exported.
 *
 * <p>Encodings follow the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2.
 */
package io.jllm.cpu.machine;
