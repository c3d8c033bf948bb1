package io.jllm.examples.deployment;

import io.jllm.BeamSearchParams;
import io.jllm.EngineListener;
import io.jllm.LLM;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import java.nio.file.Path;
import java.util.List;

/** An application that makes use of all that might leave something behind; loaded by class loaders of its own. */
public final class Deployed implements AutoCloseable {
    private final LLM llm;

    /** Loads, and fails to load. */
    public Deployed(String model, String broken) {
        llm = LLM.load(Path.of(model)).listener(new EngineListener() { }).open();
        try (LLM none = LLM.load(Path.of(broken)).open()) {
            throw new IllegalStateException("this can be loaded: " + none.describe());
        } catch (ModelLoadException e) {
            // as it must
        }
    }

    /** Uses it, and drops it while it is still at work. */
    @Override
    public void close() throws Exception {
        try (llm) {
            SamplingParams params = SamplingParams.builder().temperature(0.8).topK(20).seed(1).maxTokens(12).ignoreEos(true).build();
            RequestOutput told = llm.generate("Once upon a time", params);
            if (told.outputs().getFirst().tokenIds().length != params.maxTokens().orElseThrow()) {
                throw new IllegalStateException("not all was told: " + told);
            }
            llm.generateAsync(List.of(Request.of("The king", params))).thenApplyAsync(Object::toString).get();
            llm.beamSearch(List.of(Prompt.of("A dragon")), BeamSearchParams.builder(2).maxTokens(4).build());
            try (var stream = llm.stream(Request.of("A witch", params))) {
                stream.iterator().next();
            }
            llm.submit(Request.of("At midnight", params.toBuilder().maxTokens(400).build())).cancel();
            llm.submit(Request.of("At noon", params.toBuilder().maxTokens(400).build()));
        }
    }
}
