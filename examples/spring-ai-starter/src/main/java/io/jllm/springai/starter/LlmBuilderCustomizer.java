package io.jllm.springai.starter;

import io.jllm.LlmBuilder;

/** A bean of the application that sets what there is no property for, before the model is loaded. */
@FunctionalInterface
public interface LlmBuilderCustomizer {
    void customize(LlmBuilder builder);
}
