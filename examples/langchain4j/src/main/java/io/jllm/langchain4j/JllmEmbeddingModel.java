package io.jllm.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingInputType;
import dev.langchain4j.model.embedding.request.EmbeddingParameter;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.request.EmbeddingRequestParameters;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import dev.langchain4j.model.embedding.response.EmbeddingResponseMetadata;
import dev.langchain4j.model.output.TokenUsage;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Vectors of texts by a model of this JVM, as LangChain4j's {@link EmbeddingModel}. Safe for all threads: texts join the engine's batch, and wait for
 * room where its queue is full. The {@link LLM} stays the caller's, who closes it. Several texts of one input are lines of one.
 *
 * <p>The per-call parameter {@code dimensions} is known, and {@code inputType} where the builder says what models want before queries or documents.
 * A text that fails, as one longer than the context, fails its whole request.
 */
public final class JllmEmbeddingModel implements EmbeddingModel {
    private final LLM llm;
    private final String name;
    private final EmbeddingParams params;
    private final Optional<String> queryPrefix;
    private final Optional<String> documentPrefix;
    private final List<EmbeddingModelListener> listeners;
    private volatile int dimension;

    private JllmEmbeddingModel(Builder b) {
        llm = b.llm;
        name = b.name;
        params = b.params;
        queryPrefix = b.queryPrefix;
        documentPrefix = b.documentPrefix;
        listeners = List.copyOf(b.listeners);
    }

    /** Settings for a model; each has a default. */
    public static Builder builder(LLM llm) {
        return new Builder(llm);
    }

    @Override
    public EmbeddingResponse doEmbed(EmbeddingRequest request) {
        EmbeddingRequestParameters asked = request.parameters();
        String prefix = prefix(asked.inputType());
        List<Prompt> texts = request.inputs().stream().map(EmbeddingInput::text).map(text -> Prompt.of(prefix + text)).toList();
        List<EmbeddingOutput> outputs;
        try {
            outputs = llm.embed(texts, asked.dimensions() == null ? params : params.withDimensions(asked.dimensions()));
        } catch (RuntimeException e) {
            throw Failures.of(e);
        }
        List<Embedding> vectors = new ArrayList<>();
        int tokens = 0;
        for (EmbeddingOutput output : outputs) {
            output.error().ifPresent(e -> {
                throw Failures.of(e);
            });
            vectors.add(Embedding.from(output.vector()));
            tokens += output.promptTokenIds().length;
        }
        var metadata = EmbeddingResponseMetadata.builder().modelName(name).tokenUsage(new TokenUsage(tokens, 0)).build();
        return EmbeddingResponse.builder().embeddings(vectors).metadata(metadata).build();
    }

    private String prefix(EmbeddingInputType type) {
        return switch (type) {
            case null -> documentPrefix.orElse("");
            case QUERY -> queryPrefix.orElse("");
            case DOCUMENT -> documentPrefix.orElse("");
        };
    }

    @Override
    public Set<EmbeddingParameter<?>> supportedParameters() {
        boolean types = queryPrefix.isPresent() || documentPrefix.isPresent();
        return types ? Set.of(EmbeddingRequestParameters.DIMENSIONS, EmbeddingRequestParameters.INPUT_TYPE)
                : Set.of(EmbeddingRequestParameters.DIMENSIONS);
    }

    @Override
    public int dimension() {
        if (dimension == 0) {
            dimension = llm.embed(List.of(Prompt.of(name)), params).getFirst().vector().length;
        }
        return dimension;
    }

    @Override
    public String modelName() {
        return name;
    }

    @Override
    public List<EmbeddingModelListener> listeners() {
        return listeners;
    }

    /** Settings of a model. For one thread. */
    public static final class Builder {
        private static final String NAME = "jllm";

        private final LLM llm;
        private String name = NAME;
        private EmbeddingParams params = EmbeddingParams.defaults();
        private Optional<String> queryPrefix = Optional.empty();
        private Optional<String> documentPrefix = Optional.empty();
        private final List<EmbeddingModelListener> listeners = new ArrayList<>();

        private Builder(LLM llm) {
            this.llm = Objects.requireNonNull(llm, "llm");
        }

        /** How answers name the model; default {@code jllm}. */
        public Builder modelName(String modelName) {
            name = Objects.requireNonNull(modelName, "modelName");
            return this;
        }

        /** How vectors are made; default as the model's files say, of length 1. */
        public Builder params(EmbeddingParams value) {
            params = Objects.requireNonNull(value, "value");
            return this;
        }

        /** What the model wants before texts that ask, such as {@code query: }; default nothing. */
        public Builder queryPrefix(String prefix) {
            queryPrefix = Optional.of(prefix);
            return this;
        }

        /** What the model wants before texts that are found, and before those of which nothing is said; default nothing. */
        public Builder documentPrefix(String prefix) {
            documentPrefix = Optional.of(prefix);
            return this;
        }

        /** More that are told of requests, answers and errors; default none. */
        public Builder listeners(List<? extends EmbeddingModelListener> more) {
            listeners.addAll(more);
            return this;
        }

        public JllmEmbeddingModel build() {
            return new JllmEmbeddingModel(this);
        }
    }
}
