/**
 * The kernels that the build compiled.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link KernelImages}: images in the jar, and the one that fits a device
 * <li>{@link Kernels}: loaded on a device, by name
 * <li>the rest is what Java has to know of each file of kernels; their sources and their contract are in src/main/cuda of this module
 * </ul>
 */
package io.jllm.cuda.kernels;
