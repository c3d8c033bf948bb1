package io.jllm.server.model;

import io.jllm.LLM;

/**
 * A model while a request uses it: it stays loaded until this is closed.
 *
 * @param name the model's, as it is served
 */
public record Lease(String name, LLM llm, Runnable release) implements AutoCloseable {
    @Override
    public void close() {
        release.run();
    }
}
