/**
 * A thin typed layer over the CUDA driver API: every call is checked, errors name the call and what it was for, and every allocation has one
 * owner that gives it back. The only package, beside the generated one, that binds native code.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link DriverLibrary}, {@link Driver}: whether there is a driver, and what it says
 * <li>{@link Calls}, {@link CudaException}, {@link OutOfDeviceMemoryException}: results of calls
 * <li>{@link Device}, {@link Context}, {@link Owner}: a device, its context, and who gives back what
 * <li>{@link DeviceMemory}, {@link GrowingMemory}, {@link PinnedMemory}, {@link PinnedRing}: memory
 * <li>{@link KernelModule}, {@link Kernel}, {@link Launch}: kernels and their arguments
 * <li>{@link Stream}, {@link Event}, {@link Graph}: order of work
 * <li>{@link Blas}, {@link CublasLt}: products on tensor cores, where NVIDIA's library is installed
 * </ul>
 */
package io.jllm.cuda.driver;
