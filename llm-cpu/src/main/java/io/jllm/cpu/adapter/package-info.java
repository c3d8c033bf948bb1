/**
 * Adapters on this machine: what some rows of a step are computed with beside the model's weights.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link AdapterSet}: all that are loaded, and what they change at each place of the program
 * <li>{@link ProductSite}, {@link TableSite}, {@link NormSite}: such a place, with the change of each adapter
 * <li>{@link AdaptedMatrix}: one change of a matrix, as kernels want it
 * <li>{@link AdapterMemory}: where that lies
 * <li>{@link AdapterRows}: which rows of a step belong to which adapter
 * </ul>
 */
package io.jllm.cpu.adapter;
