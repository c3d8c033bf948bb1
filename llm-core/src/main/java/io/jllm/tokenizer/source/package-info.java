/**
 * The files of a Hugging Face folder that a tokenizer is made of, in the two forms that they come down to.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link TokenizerSource}: the way in, and the two forms
 * <li>{@link SpecialTokens}: what the files beside say of tokens
 * <li>{@link MergesFiles}, {@link TiktokenFile}: vocabularies that {@link ByteLevelJson} puts in the form of a tokenizer.json
 * <li>{@link PieceClass}: a SentencePiece model, and what goes around it
 * <li>{@link SourceFiles}: reads files of a sensible size
 * </ul>
 */
package io.jllm.tokenizer.source;
