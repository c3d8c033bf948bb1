package io.jllm.springai;

import io.jllm.LLM;
import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.micrometer.observation.ObservationRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.document.Document;
import org.springframework.ai.document.MetadataMode;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.embedding.EmbeddingResponseMetadata;
import org.springframework.ai.embedding.observation.DefaultEmbeddingModelObservationConvention;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationContext;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationConvention;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationDocumentation;

/**
 * Vectors of texts by a model in the same JVM, pooled as its files say. The texts of a request join the batch of one {@link LLM}, which the
 * caller opens and closes; requests of any length wait for room. Safe for all threads.
 */
public final class JllmEmbeddingModel implements EmbeddingModel {
    private static final EmbeddingModelObservationConvention CONVENTION = new DefaultEmbeddingModelObservationConvention();

    private final LLM llm;
    private final String model;
    private final EmbeddingParams params;
    private final MetadataMode metadataMode;
    private final ObservationRegistry observations;
    private final EmbeddingModelObservationConvention convention;

    private JllmEmbeddingModel(Builder b) {
        llm = b.llm;
        model = b.modelName;
        params = b.params;
        metadataMode = b.metadataMode;
        observations = b.observations;
        convention = b.convention;
    }

    /** A builder. */
    public static Builder builder(LLM llm) {
        return new Builder(llm);
    }

    /**
     * The vectors of a request's texts, in their order.
     *
     * @throws IllegalArgumentException if there is no text, one is longer than the context, or the options ask for another model or more
     *     dimensions than there are
     */
    @Override
    public EmbeddingResponse call(EmbeddingRequest request) {
        if (request.getInstructions().isEmpty()) {
            throw new IllegalArgumentException("a request for embeddings needs at least one text");
        }
        EmbeddingRequest named = new EmbeddingRequest(request.getInstructions(), named(request.getOptions()));
        var context = EmbeddingModelObservationContext.builder().embeddingRequest(named).provider(JllmChatModel.PROVIDER).build();
        return Objects.requireNonNull(EmbeddingModelObservationDocumentation.EMBEDDING_MODEL_OPERATION
                .observation(convention, CONVENTION, () -> context, observations).observe(() -> {
                    EmbeddingResponse response = embedded(named);
                    context.setResponse(response);
                    return response;
                }), "response");
    }

    private EmbeddingOptions named(@Nullable EmbeddingOptions options) {
        Optional<EmbeddingOptions> given = Optional.ofNullable(options);
        String asked = given.map(EmbeddingOptions::getModel).orElse(model);
        if (!asked.equals(model)) {
            throw new IllegalArgumentException("model is " + asked + ", and there is only " + model + ": leave the option out, or ask another EmbeddingModel");
        }
        EmbeddingOptions.Builder b = EmbeddingOptions.builder().model(model);
        given.map(EmbeddingOptions::getDimensions).ifPresent(b::dimensions);
        return b.build();
    }

    private EmbeddingResponse embedded(EmbeddingRequest request) {
        Integer dimensions = Objects.requireNonNull(request.getOptions(), "options").getDimensions();
        List<EmbeddingOutput> outputs = llm.embed(request.getInstructions().stream().map(io.jllm.Prompt::of).toList(),
                dimensions == null ? params : params.withDimensions(dimensions));
        List<Embedding> embeddings = new ArrayList<>();
        int tokens = 0;
        for (EmbeddingOutput output : outputs) {
            embeddings.add(new Embedding(output.vector(), embeddings.size()));
            tokens += output.promptTokenIds().length;
        }
        return new EmbeddingResponse(embeddings, new EmbeddingResponseMetadata(model, new DefaultUsage(tokens, 0)));
    }

    @Override
    public float[] embed(Document document) {
        return embed(getEmbeddingContent(document));
    }

    /** The document's text with what of its metadata the builder's mode says. */
    @Override
    public String getEmbeddingContent(Document document) {
        return document.getFormattedContent(metadataMode);
    }

    /** The length of the vectors, which the model's files say. */
    @Override
    public int dimensions() {
        return params.dimensions().orElse(llm.config().hidden());
    }

    /** Puts a model together. For one thread. */
    public static final class Builder extends ModelBuilder<Builder, EmbeddingModelObservationConvention> {
        private EmbeddingParams params = EmbeddingParams.defaults();
        private MetadataMode metadataMode = MetadataMode.EMBED;

        private Builder(LLM llm) {
            super(llm, CONVENTION);
        }

        @Override
        Builder self() {
            return this;
        }

        /** Pooling, length and dimensions of vectors. */
        public Builder params(EmbeddingParams value) {
            params = Objects.requireNonNull(value, "value");
            return this;
        }

        /** What of a document's metadata stands before its text; {@link MetadataMode#EMBED} if nobody says. */
        public Builder metadataMode(MetadataMode value) {
            metadataMode = Objects.requireNonNull(value, "value");
            return this;
        }

        /** The model. */
        public JllmEmbeddingModel build() {
            return new JllmEmbeddingModel(this);
        }
    }
}
