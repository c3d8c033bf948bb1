/**
 * Text to token ids and back, as applications and the engine see it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Tokenizer}: encodes and decodes whole texts
 * <li>{@link StreamingDetokenizer}: text as tokens come
 * <li>io.jllm.tokenizer.gguf and io.jllm.tokenizer.huggingface make them of a model's files
 * <li>io.jllm.tokenizer.subword, split and bpe are what they are made of: found tokens and tables, pieces of text, merges
 * </ul>
 */
package io.jllm.tokenizer;
