/**
 * Machine code from plain Java: a small assembler for x86-64, the kernels written with it, and the few calls to the operating
 * system that it takes to run them (executable memory, huge pages). The only package of this module that binds native code.
 * Not exported.
 *
 * <p>Encodings follow the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2.
 */
package io.jllm.cpu.machine;
