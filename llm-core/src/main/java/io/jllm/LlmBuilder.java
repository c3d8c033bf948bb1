package io.jllm;

import io.jllm.quant.DType;
import java.nio.file.Path;

/** Settings for loading a model; {@link #open} loads it. Every setting has a default that suits most. For one thread. */
public final class LlmBuilder {
    private final Path model;

    LlmBuilder(Path model) {
        this.model = model;
    }

    /** The backend by name; default the best that is available. */
    public LlmBuilder backend(String name) {
        return this;
    }

    /** Threads that compute; default one for each physical core. */
    public LlmBuilder threads(int count) {
        return this;
    }

    /** A backend's name for a set of kernels; default {@code auto}. */
    public LlmBuilder kernels(String name) {
        return this;
    }

    /** Most positions of one sequence; default and limit: what the model was trained for. */
    public LlmBuilder maxContext(int tokens) {
        return this;
    }

    /** Most sequences in a step; default 64. */
    public LlmBuilder maxSequences(int count) {
        return this;
    }

    /** Most tokens in a step; default 512. */
    public LlmBuilder maxTokensPerStep(int count) {
        return this;
    }

    /** Positions a KV block, 1 to 256; default 16. */
    public LlmBuilder blockSize(int positions) {
        return this;
    }

    /** Limit of the KV cache in bytes; default by memory and need. */
    public LlmBuilder kvCache(long bytes) {
        return this;
    }

    /** How keys and values are stored: default F32 on a CPU. */
    public LlmBuilder kvType(DType type) {
        return this;
    }

    /**
     * Loads the model.
     *
     * @throws io.jllm.ModelLoadException if it cannot be loaded: every reason, and what to do
     */
    public LLM open() {
        throw new UnsupportedOperationException("skeleton");
    }
}
