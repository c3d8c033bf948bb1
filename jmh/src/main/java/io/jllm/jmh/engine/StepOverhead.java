package io.jllm.jmh.engine;

import io.jllm.EngineListener;
import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.demo.DemoModel;
import io.jllm.engine.EngineOptions;
import io.jllm.engine.LoadedLlm;
import io.jllm.jmh.models.Models;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a step costs beside the model: scheduling, delivering tokens, turning them into text, and a share of what a request costs at
 * its beginning and end. The backend computes nothing.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class StepOverhead {
    private static final int STEPS = 256;

    /** {@code demo}, or the path of a GGUF file or a Hugging Face folder, for its vocabulary. */
    @Param(Models.DEMO)
    private String model;

    /** Sequences in a step. */
    @Param({"1", "32"})
    private int batch;

    /** Listeners that hear of every step and request, and do nothing. */
    @Param("0")
    private int listeners;

    private LLM llm;
    private List<Request> asked;

    /** Loads the vocabulary. */
    @Setup
    public void open() {
        LoadedModel loaded = ModelFiles.open(model.equals(Models.DEMO) ? DemoModel.path() : Path.of(model));
        llm = new LoadedLlm(loaded, new NothingBackend(loaded.config().vocab()), EngineOptions.DEFAULT,
                Collections.nCopies(listeners, new EngineListener() { }));
        var random = new SplittableRandom(1);
        SamplingParams params = SamplingParams.greedy().toBuilder().maxTokens(STEPS).ignoreEos(true).build();
        asked = Stream.generate(() -> new Request(Models.prompt(llm, random, 1), params)).limit(batch).toList();
    }

    /** One step, with callers that wait for the whole. */
    @Benchmark
    @OperationsPerInvocation(STEPS)
    public List<RequestOutput> waiting() {
        return Models.good(llm.generate(asked));
    }

    /** One step, with callers that read text as it comes, each in a thread of its own. */
    @Benchmark
    @OperationsPerInvocation(STEPS)
    public void reading() throws InterruptedException {
        var done = new CountDownLatch(batch);
        for (Request request : asked) {
            Thread.startVirtualThread(() -> {
                try (TokenStream stream = llm.stream(request)) {
                    for (TokenStream.Piece _ : stream) {
                        // reading is all
                    }
                }
                done.countDown();
            });
        }
        done.await();
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        llm.close();
    }
}
