/**
 * Byte-pair encoding: pieces of text to token ids.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link BpeModel}: takes a piece and gives ids
 * <li>{@link BpeBuilder}: makes it of tokens and merges
 * <li>{@link Word}: does the merging, by the pairs in {@link MergeTable}, the best first by {@link PairHeap}
 * <li>{@link Junctions}: where a long piece may be cut without changing its ids
 * <li>{@link CodePoints}: characters to the symbols that merging begins with
 * </ul>
 */
package io.jllm.tokenizer.bpe;
