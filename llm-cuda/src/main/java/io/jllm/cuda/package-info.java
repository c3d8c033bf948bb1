/**
 * The CUDA backend. Found by the service loader: applications use io.jllm.LLM. The contract with the kernels is the README beside their sources.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link CudaBackendProvider}, {@link StartedDevice}: how it is found, and what a probe leaves for opening
 * <li>{@link CudaBackend}: checks a program and loads it
 * <li>{@link MemoryBudget}: what a model takes of the device, reckoned beforehand
 * <li>{@link CudaRunner}: computes steps; {@link Adaptation}: those of sequences with adapters
 * <li>io.jllm.cuda.compile: a program as launches; kernels: a launcher for each file of kernels; weights, adapter, memory: what lies on the
 * device; sample: drawing there; driver, ffi: the driver API
 * </ul>
 */
package io.jllm.cuda;
