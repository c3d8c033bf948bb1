package io.jllm.model;

import io.jllm.LlmBuilder;

/** The engine with all families on the oracle. */
class FamilyServingTest extends FamilyServing {
    @Override
    protected LlmBuilder on(LlmBuilder builder) {
        return builder.backend("reference");
    }
}
