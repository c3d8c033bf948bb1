/**
 * Byte-pair encoding: pieces of text to token ids.
 *
 * <p>In reading order: {@link io.jllm.tokenizer.bpe.BpeModel} takes a piece and gives ids; {@link io.jllm.tokenizer.bpe.BpeBuilder} makes it
 * from tokens and merges; {@code Word} does the merging, by the pairs in {@code MergeTable}; {@code Junctions} says where a long piece may
 * be cut without changing its ids; {@code CodePoints} maps characters to the symbols that merging begins with.
 */
package io.jllm.tokenizer.bpe;
