package io.jllm.engine.request;

import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.FinishReason;
import io.jllm.embedding.Pooling;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.batch.Results;
import io.jllm.engine.sequence.Pool;
import io.jllm.load.LoadedModel;
import io.jllm.model.Value;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/** One call for vectors of texts: what the engine is asked for, and what is made of its results. */
public final class Embeddings {
    private static final String WHAT = "embed";

    private final Submission callers;
    private final EmbeddingParams params;
    private final Pooling pooling;
    private final int width;
    private final int dimensions;

    /**
     * @throws IllegalArgumentException if the model cannot give such vectors
     */
    public Embeddings(LoadedModel model, EmbeddingParams params, Submission callers) {
        this.callers = callers;
        this.params = params;
        pooling = params.pooling().orElseGet(() -> model.pooling().orElse(Pooling.LAST));
        width = model.program().hidden().map(Value::width).orElseThrow(() -> new IllegalArgumentException(
                "the model's logits are no product of a hidden state, so it makes no embeddings"));
        dimensions = params.dimensions().orElse(width);
        if (dimensions > width) {
            throw new IllegalArgumentException("dimensions is " + dimensions + ", but the model's vectors have " + width);
        }
    }

    /** Waits for all. */
    public List<EmbeddingOutput> all(List<? extends Prompt> prompts) {
        List<Work.Embed> works = works(prompts);
        return outputs(works, callers.all(works, WHAT));
    }

    /** Begins all at once, or none. */
    public CompletableFuture<List<EmbeddingOutput>> allNow(List<? extends Prompt> prompts) {
        List<Work.Embed> works = works(prompts);
        return Submission.made(callers.allNow(works), done -> outputs(works, done));
    }

    /** As they are taken. */
    public Results<EmbeddingOutput> each(Iterator<? extends Prompt> source) {
        return callers.each(source, prompt -> {
            Work.Embed work = work(prompt);
            return Asked.of(work, done -> output(work, done));
        }, WHAT);
    }

    private List<Work.Embed> works(List<? extends Prompt> prompts) {
        return prompts.stream().map(this::work).toList();
    }

    private Work.Embed work(Prompt prompt) {
        return new Work.Embed(prompt, new Pool(pooling, width), params.adapter());
    }

    private List<EmbeddingOutput> outputs(List<Work.Embed> works, List<RequestOutput> done) {
        var outputs = new ArrayList<EmbeddingOutput>();
        for (int i = 0; i < done.size(); i++) {
            outputs.add(output(works.get(i), done.get(i)));
        }
        return outputs;
    }

    private EmbeddingOutput output(Work.Embed work, RequestOutput o) {
        Optional<RuntimeException> error = o.finishReason() == FinishReason.CANCELLED
                ? Optional.of(new CancellationException("the request was cancelled before its text was computed")) : o.error();
        float[] vector = error.isPresent() ? new float[0] : work.pool().vector(dimensions, params.normalize());
        return new EmbeddingOutput(o.requestId(), o.prompt(), o.promptTokenIds(), vector, o.metrics(), error);
    }
}
