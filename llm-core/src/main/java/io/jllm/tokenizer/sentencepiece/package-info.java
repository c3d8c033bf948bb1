/**
 * SentencePiece models ({@code tokenizer.model}), read without its library.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link SentencePieceModel}: pieces and settings, read by {@link Protobuf}
 * <li>{@link SentencePieceNormalizer}: what a text becomes, by {@link Charsmap}, but for pieces that {@link LongestPrefix} finds
 * </ul>
 */
package io.jllm.tokenizer.sentencepiece;
