/**
 * Tokenizers from Hugging Face folders, with the ids of transformers, or of the library that made the files.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link HuggingFaceTokenizers}: the way in
 * <li>{@link HuggingFaceVocabulary}: tokens, with what the files beside tokenizer.json say of them
 * <li>{@link Normalizer} with {@link PrecompiledStep}, {@link SplitSteps}, {@link HuggingFaceBpe} or {@link HuggingFaceUnigram},
 * {@link PostProcessor}: the parts of tokenizer.json in the order in which a text meets them
 * <li>{@link HuggingFaceFormat}: how tokens are written, by the decoder
 * <li>{@link PieceTokens}: the tokens of a SentencePiece model
 * <li>{@link HuggingFaceSplitter}: added tokens found in a text
 * </ul>
 */
package io.jllm.tokenizer.huggingface;
