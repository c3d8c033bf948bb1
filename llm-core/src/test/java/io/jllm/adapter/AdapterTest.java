package io.jllm.adapter;

import io.jllm.LlmBuilder;

/** On the oracle. */
class AdapterTest extends AdapterContract {
    @Override
    protected LlmBuilder on(LlmBuilder load) {
        return load.backend("reference");
    }
}
