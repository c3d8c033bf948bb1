/**
 * OpenAI's endpoints for chats, completions, embeddings and models, with the fields that vLLM adds; and vLLM's for tokens and adapters.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ChatCompletions}: a {@link ChatAsk} with its {@link ChatMessages} and {@link ChatTools}; answered whole, or by {@link ChatChunks}
 * <li>{@link Completions}: a {@link CompletionAsk}; answered whole, or by {@link CompletionChunks}
 * <li>{@link EmbeddingList}, {@link ModelList}, {@link TokenLists}, {@link LoraAdapters}: vectors, models, tokens, adapters
 * <li>{@link ChunkFrame}, {@link Usage}: what chunks have in common; what a reply says of tokens
 * </ul>
 */
package io.jllm.server.openai;
