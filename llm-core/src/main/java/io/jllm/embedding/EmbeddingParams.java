package io.jllm.embedding;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * How to make vectors of texts.
 *
 * @param pooling how a text's states become one vector; empty: as the model's files say, {@link Pooling#LAST} where they do not
 * @param normalize whether vectors get the length 1, so that their product is the cosine of their angle
 * @param dimensions how many of the first numbers of a vector to keep, for models that were trained for it; empty: all
 * @param adapter the name of the adapter to compute with, one of {@link io.jllm.LLM#adapters}; empty: none
 */
public record EmbeddingParams(Optional<Pooling> pooling, boolean normalize, OptionalInt dimensions, Optional<String> adapter) {
    /**
     * Without an adapter.
     *
     * @throws IllegalArgumentException if dimensions are less than 1
     */
    public EmbeddingParams(Optional<Pooling> pooling, boolean normalize, OptionalInt dimensions) {
        this(pooling, normalize, dimensions, Optional.empty());
    }

    /**
     * @throws IllegalArgumentException if dimensions are less than 1
     */
    public EmbeddingParams {
        if (dimensions.isPresent() && dimensions.getAsInt() < 1) {
            throw new IllegalArgumentException("dimensions is " + dimensions.getAsInt() + "; it must be at least 1");
        }
    }

    /** The model's own pooling, all dimensions, length 1. */
    public static EmbeddingParams defaults() {
        return new EmbeddingParams(Optional.empty(), true, OptionalInt.empty(), Optional.empty());
    }

    /** The same with that pooling. */
    public EmbeddingParams withPooling(Pooling kind) {
        return new EmbeddingParams(Optional.of(kind), normalize, dimensions, adapter);
    }

    /** The same with vectors of length 1, or as they are. */
    public EmbeddingParams withNormalize(boolean on) {
        return new EmbeddingParams(pooling, on, dimensions, adapter);
    }

    /** The same with the first so many numbers of each vector. */
    public EmbeddingParams withDimensions(int count) {
        return new EmbeddingParams(pooling, normalize, OptionalInt.of(count), adapter);
    }

    /** The same, computed with an adapter. */
    public EmbeddingParams withAdapter(String name) {
        return new EmbeddingParams(pooling, normalize, dimensions, Optional.of(name));
    }
}
