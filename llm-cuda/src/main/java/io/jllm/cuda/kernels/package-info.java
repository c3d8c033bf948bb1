/**
 * The kernels of the jar and their launchers: what each takes, and with which grid and block it runs. The sources are in {@code src/main/cuda}, whose
 * README is the contract.
 *
 * <p>To read: {@link io.jllm.cuda.kernels.KernelImages} and {@link io.jllm.cuda.kernels.Kernels} load;
 * {@link io.jllm.cuda.kernels.DeviceFormat} lists the formats of weights; then a launcher for each family, such as
 * {@link io.jllm.cuda.kernels.RowKernels}, {@link io.jllm.cuda.kernels.ProductKernels} and {@link io.jllm.cuda.kernels.TensorKernels}.
 * {@link io.jllm.cuda.kernels.ExpertKernels} and {@link io.jllm.cuda.kernels.GroupKernels} are of what the usual models do not have.
 * Launchers of attention and of what adapters change have packages of their own, {@link io.jllm.cuda.kernels.attention} and
 * {@link io.jllm.cuda.kernels.adapter}.
 * {@link io.jllm.cuda.kernels.DeviceStruct} describes structs that both sides use.
 */
package io.jllm.cuda.kernels;
