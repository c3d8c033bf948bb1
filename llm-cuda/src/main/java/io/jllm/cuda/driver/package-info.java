/**
 * A thin typed layer over the CUDA driver API: every call is checked, errors name the call and what it was for, and every allocation has one owner
 * that gives it back. The only package, beside the generated one, that binds native code.
 *
 * <p>To read: {@link io.jllm.cuda.driver.Driver} finds the driver, {@link io.jllm.cuda.driver.Device} and {@link io.jllm.cuda.driver.Context} a
 * device; {@link io.jllm.cuda.driver.KernelModule}, {@link io.jllm.cuda.driver.Kernel} and {@link io.jllm.cuda.driver.Launch} are what runs there, in
 * the order of a {@link io.jllm.cuda.driver.Stream} or a {@link io.jllm.cuda.driver.Graph}; then the kinds of memory. A
 * {@link io.jllm.cuda.driver.TensorMap} tells the copy engine of a matrix.
 */
package io.jllm.cuda.driver;
