package io.jllm.cpu.adapter;

import io.jllm.LlmBuilder;
import io.jllm.adapter.SharedAdapters;
import io.jllm.spi.ActivationType;

/** Adapters on models that others made. */
class SharedAdaptersTest extends SharedAdapters {
    @Override
    protected LlmBuilder on(LlmBuilder load) {
        return load.backend("cpu").activations(ActivationType.FLOAT).threads(2);
    }
}
