package io.jllm.engine.request;

import io.jllm.tokenizer.StreamingDetokenizer;

/** Stands in where a model came without a tokenizer: tokens have no text. */
enum NoText implements StreamingDetokenizer {
    INSTANCE;

    @Override
    public String push(int id) {
        return "";
    }

    @Override
    public String finish() {
        return "";
    }

    @Override
    public StreamingDetokenizer fork() {
        return this;
    }
}
