package io.jllm.model;

import io.jllm.LlmBuilder;

/** Vectors of texts on the oracle. */
class EmbeddingTest extends EmbeddingContract {
    @Override
    protected LlmBuilder on(LlmBuilder builder) {
        return builder.backend("reference");
    }
}
