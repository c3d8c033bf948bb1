package io.jllm.cpu;

import io.jllm.LlmBuilder;
import io.jllm.model.FamilyServing;

/** The engine with all families in the fastest tier. */
class FamilyServingTest extends FamilyServing {
    @Override
    protected LlmBuilder on(LlmBuilder builder) {
        return builder.backend("cpu");
    }
}
