/**
 * From a Hugging Face folder or a GGUF file to a GGUF file, quantised or not.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Converter}: the way in
 * <li>{@link Checkpoint}: a model to be converted: {@link HuggingFaceCheckpoint} or {@link GgufCheckpoint}
 * <li>{@link ModelKeys}, {@link TokenizerKeys}: its numbers and its tokenizer as metadata
 * <li>{@link TokenTable}, {@link PieceKeys}, {@link PreTokenizerName}: tokens, scores, and what texts are cut by
 * <li>{@link TypeChoice}: the format of each tensor
 * <li>{@link TensorCopy}: writes a tensor, by several threads
 * </ul>
 */
package io.jllm.convert;
