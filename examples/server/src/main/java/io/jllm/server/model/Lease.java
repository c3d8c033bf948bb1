package io.jllm.server.model;

import io.jllm.LLM;
import java.util.Optional;

/**
 * A model while a request uses it: it stays loaded until this is closed.
 *
 * @param model the model's name, as it is served
 * @param adapter the adapter that it is to be computed with, which the request asked for as a model
 */
public record Lease(String model, Optional<String> adapter, LLM llm, Runnable release) implements AutoCloseable {
    /** What answers, by the name by which it is asked for. */
    public String name() {
        return adapter.orElse(model);
    }

    @Override
    public void close() {
        release.run();
    }
}
