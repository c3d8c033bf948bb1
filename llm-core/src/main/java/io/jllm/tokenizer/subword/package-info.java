/**
 * What tokenizers of all files share. A text is cut at the tokens that stand in it, the rest into pieces, and each piece is merged to tokens.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link SubwordTokenizer}: the tokenizer, put together of what follows
 * <li>{@link Segment}, {@link AddedToken}: tokens that are found in a text as they are written; {@link Trust}: where
 * <li>{@link Encoder}: what lies between, to ids; {@link Ids} collects them
 * <li>{@link Vocabulary}, {@link Pieces}, {@link TextIndex}: tokens, the bytes they stand for, and how they are looked up
 * <li>{@link TableDetokenizer}, {@link Utf8Decoder}: ids to text
 * <li>{@link ScoredMerges}: merges of vocabularies that have scores instead
 * <li>{@link Words}: kinds of characters
 * </ul>
 */
package io.jllm.tokenizer.subword;
