/**
 * A small assembler for x86-64. Encodings follow the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Assembler}: instructions into an array of bytes
 * <li>{@link Isa}, {@link Simd}, {@link Emitter}: the same words for AVX2 and AVX-512
 * <li>{@link Gpr}, {@link Vec}, {@link Mem}, {@link Operand}, {@link Label}, {@link Constant}: what instructions name
 * <li>{@link Moves}, {@link CodeBuffer}: encodings that they share
 * </ul>
 */
package io.jllm.cpu.machine.asm;
