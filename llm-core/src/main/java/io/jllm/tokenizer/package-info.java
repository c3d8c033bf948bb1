/**
 * Text to token ids and back, as applications and the engine see it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Tokenizer}: encodes and decodes whole texts; {@link TextPiece}: parts of which some may hold special tokens
 * <li>{@link StreamingDetokenizer}: text as tokens come
 * <li>io.jllm.tokenizer.gguf and io.jllm.tokenizer.huggingface make them of a model's files
 * <li>io.jllm.tokenizer.source and sentencepiece read the files of a folder
 * <li>io.jllm.tokenizer.subword, pre, split and bpe are what they are made of: found tokens and tables, what texts are cut by, pieces of text,
 * merges
 * </ul>
 */
package io.jllm.tokenizer;
