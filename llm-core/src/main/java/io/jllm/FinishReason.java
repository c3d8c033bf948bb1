package io.jllm;

/** Why a generation ended. */
public enum FinishReason {
    /** The model ended it, or a stop string or stop token did; see {@link CompletionOutput#stopReason}. */
    STOP,
    /** {@code maxTokens} or the context limit was reached. */
    LENGTH,
    /** It was cancelled, or its time was up. */
    CANCELLED,
    /** It failed; see {@link RequestOutput#error}. */
    ERROR,
    /** The model ended its answer to a conversation with calls of tools: of {@link ChatOutput}, not of requests, for which it is {@link #STOP}. */
    TOOL_CALLS
}
