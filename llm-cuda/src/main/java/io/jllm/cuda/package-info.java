/**
 * The CUDA backend: a program is compiled into launches of kernels of our own, and a step of decoding is one graph.
 *
 * <p>To read: {@link io.jllm.cuda.CudaBackendProvider} looks for a device, {@code CudaBackend} opens it, {@code CudaRunner} is a model on
 * it. {@code weights} places and loads weights, {@code compile} turns the program into launches, which {@code kernels} makes, {@code memory} holds
 * what changes, {@code sample} draws tokens, {@code driver} calls the driver.
 */
package io.jllm.cuda;
