package io.jllm.engine.request;

import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.FinishReason;
import io.jllm.embedding.Pooling;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.engine.sequence.Pool;
import io.jllm.load.LoadedModel;
import io.jllm.model.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;

/** One call for vectors of texts: what the engine is asked for, and what is made of its results. */
public final class Embeddings {
    private final EmbeddingParams params;
    private final Pooling pooling;
    private final int width;
    private final int dimensions;
    private final List<Pool> pools = new ArrayList<>();

    /**
     * @throws IllegalArgumentException if the model cannot give such vectors
     */
    public Embeddings(LoadedModel model, EmbeddingParams params) {
        this.params = params;
        pooling = params.pooling().orElseGet(() -> model.pooling().orElse(Pooling.LAST));
        width = model.program().hidden().map(Value::width).orElseThrow(() -> new IllegalArgumentException(
                "the model's logits are no product of a hidden state, so it makes no embeddings"));
        dimensions = params.dimensions().orElse(width);
        if (dimensions > width) {
            throw new IllegalArgumentException("dimensions is " + dimensions + ", but the model's vectors have " + width);
        }
    }

    /** What to ask for, a text each. */
    public List<Work> works(List<? extends Prompt> prompts) {
        prompts.forEach(_ -> pools.add(new Pool(pooling, width)));
        var works = new ArrayList<Work>();
        for (int i = 0; i < prompts.size(); i++) {
            works.add(new Work.Embed(prompts.get(i), pools.get(i), params.adapter()));
        }
        return works;
    }

    /** The vectors, once the engine is done with all. */
    public List<EmbeddingOutput> outputs(List<RequestOutput> done) {
        var outputs = new ArrayList<EmbeddingOutput>();
        for (int i = 0; i < done.size(); i++) {
            outputs.add(output(done.get(i), pools.get(i)));
        }
        return outputs;
    }

    private EmbeddingOutput output(RequestOutput o, Pool pool) {
        Optional<RuntimeException> error = o.finishReason() == FinishReason.CANCELLED
                ? Optional.of(new CancellationException("the request was cancelled before its text was computed")) : o.error();
        float[] vector = error.isPresent() ? new float[0] : pool.vector(dimensions, params.normalize());
        return new EmbeddingOutput(o.requestId(), o.prompt(), o.promptTokenIds(), vector, o.metrics(), error);
    }
}
