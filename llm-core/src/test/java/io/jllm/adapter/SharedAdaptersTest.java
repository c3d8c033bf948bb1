package io.jllm.adapter;

import io.jllm.LlmBuilder;

/** On the oracle. */
class SharedAdaptersTest extends SharedAdapters {
    @Override
    protected LlmBuilder on(LlmBuilder load) {
        return load.backend("reference");
    }
}
