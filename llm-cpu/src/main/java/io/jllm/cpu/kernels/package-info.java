/**
 * The contract of all tiers, {@link io.jllm.cpu.kernels.CpuKernels}, and plain Java, the slowest of them. Read on with what it gives:
 * {@link io.jllm.cpu.kernels.StoredProducts} of a {@link io.jllm.cpu.kernels.StoredMatrix}, {@link io.jllm.cpu.kernels.PackedProducts} of a
 * {@link io.jllm.cpu.kernels.PackedMatrix}, {@link io.jllm.cpu.kernels.ThinProducts}, {@link io.jllm.cpu.kernels.RowKernels},
 * {@link io.jllm.cpu.kernels.Rotation} and {@link io.jllm.cpu.kernels.Attention} over the {@link io.jllm.cpu.kernels.KvCache}; then
 * {@link io.jllm.cpu.kernels.LoopKernels}, of which tiers in Java are made, and {@link io.jllm.cpu.kernels.ScalarKernels}. Not exported.
 */
package io.jllm.cpu.kernels;
