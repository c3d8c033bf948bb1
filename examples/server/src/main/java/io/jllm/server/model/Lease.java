package io.jllm.server.model;

import io.jllm.LLM;
import io.jllm.server.http.ApiError;
import io.jllm.tokenizer.Tokenizer;
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

    /**
     * The model's tokenizer.
     *
     * @throws ApiError if it came without one
     */
    public Tokenizer tokenizer() {
        try {
            return llm.tokenizer();
        } catch (IllegalArgumentException e) {
            throw ApiError.badRequest(e.getMessage());
        }
    }

    @Override
    public void close() {
        release.run();
    }
}
