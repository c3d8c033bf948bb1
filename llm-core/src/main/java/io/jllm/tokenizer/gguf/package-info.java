/**
 * Tokenizers from the metadata of GGUF files, with the ids of llama.cpp.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link GgufTokenizers}: the way in
 * <li>{@link GgufVocabulary}: the keys, checked
 * <li>{@link GgufBpe}: merges, listed or by scores
 * <li>{@link GgufUnigram}: pieces with probabilities
 * <li>{@link GgufSplitter}: tokens found in a text
 * <li>{@link EndTokens}: which tokens end a generation
 * </ul>
 */
package io.jllm.tokenizer.gguf;
