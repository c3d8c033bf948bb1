package io.jllm.springai;

import io.jllm.LLM;
import io.micrometer.observation.ObservationRegistry;
import java.util.Objects;

/**
 * What the builders of both models have in common.
 *
 * @param <B> the builder itself
 * @param <C> how observations of its models are named
 */
abstract sealed class ModelBuilder<B extends ModelBuilder<B, C>, C> permits JllmChatModel.Builder, JllmEmbeddingModel.Builder {
    final LLM llm;
    String modelName;
    ObservationRegistry observations = ObservationRegistry.NOOP;
    C convention;

    ModelBuilder(LLM llm, C convention) {
        this.llm = Objects.requireNonNull(llm, "llm");
        this.convention = convention;
        modelName = llm.config().architecture();
    }

    abstract B self();

    /** What responses, observations and the option {@code model} call the model; the name of its architecture if nobody says. */
    public B modelName(String name) {
        modelName = Objects.requireNonNull(name, "name");
        return self();
    }

    /** Who is told of calls; nobody if this is not said. */
    public B observationRegistry(ObservationRegistry value) {
        observations = Objects.requireNonNull(value, "value");
        return self();
    }

    /** How observations are named. */
    public B observationConvention(C value) {
        convention = Objects.requireNonNull(value, "value");
        return self();
    }
}
