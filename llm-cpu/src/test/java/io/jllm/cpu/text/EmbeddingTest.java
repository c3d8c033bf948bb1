package io.jllm.cpu.text;

import io.jllm.LlmBuilder;
import io.jllm.model.EmbeddingContract;

/** Vectors of texts in the fastest tier. */
class EmbeddingTest extends EmbeddingContract {
    @Override
    protected LlmBuilder on(LlmBuilder builder) {
        return builder.backend("cpu");
    }
}
