package io.jllm;

import io.jllm.chat.Answer;
import io.jllm.chat.Message;

/**
 * The answer to a conversation. One that failed is a value, too; {@link #text} and {@link #orThrow} throw what it failed with.
 *
 * @param answer content, reasoning and tool calls; of a request that failed or was cancelled, what there was
 * @param finishReason why it ended: {@link FinishReason#TOOL_CALLS} where the model ended it and it has calls
 * @param output the request's result: its text is what the model wrote, with special tokens
 */
public record ChatOutput(Answer answer, FinishReason finishReason, RequestOutput output) {
    /**
     * The content alone.
     *
     * @throws RuntimeException what the request failed with, if it did
     */
    public String text() {
        return orThrow().answer.content();
    }

    /** The message that goes on with the conversation. */
    public Message message() {
        return answer.toMessage();
    }

    /**
     * This, if it did not fail.
     *
     * @throws RuntimeException what the request failed with, if it did
     */
    public ChatOutput orThrow() {
        if (output.error().isPresent()) {
            throw output.error().get();
        }
        return this;
    }
}
