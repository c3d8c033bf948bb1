package io.jllm.embedding;

import io.jllm.Prompt;
import io.jllm.RequestOutput;
import java.util.Optional;

/**
 * The vector of one text. One that failed is a value, too; {@link #vector} throws what it failed with.
 *
 * @param requestId a number that no other request of the same LLM has
 * @param prompt what was asked
 * @param promptTokenIds the text as tokens; empty if it could not be encoded. Not to be changed
 * @param embedding the vector; empty if it failed. Not to be changed
 * @param metrics times and counts
 * @param error why it failed, if it did
 */
public record EmbeddingOutput(long requestId, Prompt prompt, int[] promptTokenIds, float[] embedding, RequestOutput.Metrics metrics,
                              Optional<RuntimeException> error) {
    /**
     * The vector.
     *
     * @throws RuntimeException what the request failed with, if it did: {@link #error}
     */
    public float[] vector() {
        if (error.isPresent()) {
            throw error.get();
        }
        return embedding;
    }
}
