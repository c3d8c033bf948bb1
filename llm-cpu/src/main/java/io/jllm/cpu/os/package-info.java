/**
 * What the operating system gives: threads, memory, facts about the processor. The only package of this module that binds native code; without
 * it, or where it is forbidden, estimates and the Java heap serve.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ThreadTeam}, {@link FirstFailure}: threads that work on one loop together, and what the first failed with
 * <li>{@link Affinity}: threads stay near their memory
 * <li>{@link LargeMemory}, {@link NativeHeap}, {@link SystemMemory}: huge pages, the C library's heap, how much is left
 * <li>{@link Processor}, {@link CpuInfo}: what the processor can do, and its name
 * <li>{@link SystemCalls}, {@link CodeCalls}: calls of the system, and of machine code
 * <li>{@link MachineCodeException}: why machine code cannot run here
 * </ul>
 */
package io.jllm.cpu.os;
