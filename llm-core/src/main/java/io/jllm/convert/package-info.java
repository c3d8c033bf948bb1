/**
 * From a Hugging Face folder or a GGUF file to a GGUF file, quantised or not.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Converter}: the way in
 * <li>{@link Checkpoint}: a model to be converted: {@link HuggingFaceCheckpoint} or {@link GgufCheckpoint}
 * <li>{@link ModelKeys}, {@link TokenizerKeys}: its numbers and its tokenizer as metadata
 * <li>{@link JsonKeys}, {@link PieceKeys}, {@link TokenTable}: tokens and scores of either kind of file
 * <li>{@link PreTokenizerName}, {@link UnigramForm}: what texts are cut by, and what is done to them before
 * <li>{@link FileType}, {@link TensorType}, {@link ImportanceMatrix}: what can be asked for; {@link LegacyImatrix}: older files of the last
 * <li>{@link TypeChoice}: the format of each tensor, by {@link MixRules}, {@link TensorRole} and {@link ModelFacts}
 * <li>{@link Importances}: what its columns count; {@link ImportanceMeter}, {@link InputSums}: how that is measured on a text
 * <li>{@link TensorCopy}: writes a tensor, by several threads; {@link SourceStamp}: whether what was begun can be gone on with
 * </ul>
 */
package io.jllm.convert;
