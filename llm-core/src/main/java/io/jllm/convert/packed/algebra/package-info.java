/**
 * The linear algebra of quantisers, in double precision: as little as they need, by blocks that fit a cache, on all cores.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Parallel}: loops over threads
 * <li>{@link Combination}: a row plus a combination of others, the kernel of the rest
 * <li>{@link Symmetric}: half of a symmetric matrix, which sums of squares are added to
 * <li>{@link InverseFactor}: the triangular factor of its inverse
 * </ul>
 */
package io.jllm.convert.packed.algebra;
