/**
 * The kernels that the build compiled.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link KernelImages}: images in the jar, and the one that fits a device
 * <li>{@link Kernels}: loaded on a device, by name
 * <li>their sources and their contract: src/main/cuda of this module
 * </ul>
 */
package io.jllm.cuda.kernels;
