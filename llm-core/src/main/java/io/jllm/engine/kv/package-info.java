/**
 * The paged KV cache as the engine sees it: numbers of blocks. Where their bytes lie is the backend's affair.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link BlockPool}: which blocks are free, and how many hold each
 * <li>{@link BlockTable}: the blocks of one sequence, in order of position
 * <li>{@link PrefixCache}: full blocks by their content, so that equal beginnings share them
 * <li>{@link BlockCopies}: copies before a shared block is written
 * </ul>
 */
package io.jllm.engine.kv;
