package io.jllm;

/** What ended a text, where {@link FinishReason#STOP} did. */
public sealed interface StopReason {
    /**
     * A stop string, which the text leaves out.
     *
     * @param text as {@link SamplingParams#stop} has it
     */
    record Text(String text) implements StopReason {
    }

    /**
     * A token: one of the model's end-of-sequence tokens, or of {@link SamplingParams#stopTokenIds}. It is the last of
     * {@link CompletionOutput#tokenIds}.
     *
     * @param id its id
     */
    record Token(int id) implements StopReason {
    }
}
