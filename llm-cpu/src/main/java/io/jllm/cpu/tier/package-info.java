/**
 * Which tier of kernels computes on this machine. Not exported.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link KernelChoice}: by name or the best one here, each tier with the next slower one behind it
 * <li>{@link FloatActivations}, {@link DecodedProducts}: such tiers, but that quantised weights are multiplied by floats
 * <li>io.jllm.cpu.kernels has the contract that all tiers answer, and the slowest of them; {@code vector} and {@code machine} are the others
 * </ul>
 */
package io.jllm.cpu.tier;
