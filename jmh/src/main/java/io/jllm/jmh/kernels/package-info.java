/**
 * The loops of the CPU backend by themselves: how fast they are, and whether they are right.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Products}, {@link Product}: a matrix by tokens, for every format and tier
 * <li>{@link Pairs}: formats side by side, on a busy machine too
 * <li>{@link Soak}: products, attention and rows of random sizes, compared until time is up
 * <li>{@link AttentionCase}, {@link RowCase}: cases of it
 * </ul>
 */
package io.jllm.jmh.kernels;
