/**
 * The CPU backend. Found by the service loader: applications use io.jllm.LLM.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link CpuBackendProvider}: how it is found
 * <li>{@link CpuBackend}: checks a program and loads it
 * <li>{@link CpuRunner}: computes steps, in {@link StepMemory}
 * <li>{@link RowSampler}: draws tokens
 * <li>{@link MemoryBudget}: how much memory the KV cache gets
 * <li>{@link WarmUp}: steps before the first request
 * <li>io.jllm.cpu.op: a program compiled to ops; layout: how weights, tokens, keys and values lie; kernels, vector, machine: the loops, in plain
 * Java, with the Vector API, in machine code; tier: which of them are taken; os: threads, memory, native calls
 * </ul>
 */
package io.jllm.cpu;
