/**
 * Models of this JVM for LangChain4j: chat, streaming chat, embeddings and token counts over one engine, without a server between.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link io.jllm.langchain4j.JllmChatModel}, {@link io.jllm.langchain4j.JllmStreamingChatModel} and their
 * {@link io.jllm.langchain4j.JllmChatModelBuilder}
 * <li>{@link io.jllm.langchain4j.JllmChatRequestParameters}: all that a request can say;
 * {@link io.jllm.langchain4j.JllmChatResponseMetadata}: what is known of its answer
 * <li>{@link io.jllm.langchain4j.JllmEmbeddingModel} and {@link io.jllm.langchain4j.JllmTokenCountEstimator}
 * <li>{@code ChatSettings} reads a request into a {@code ChatAsk}, with {@code Messages} and {@code Schemas}
 * <li>{@code StreamedAnswer} gives an answer to a handler as it comes; {@code Answers} makes responses, {@code Failures} exceptions
 * </ul>
 */
package io.jllm.langchain4j;
