package io.jllm.jmh.engine;

import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import io.jllm.engine.EngineOptions;
import io.jllm.engine.LoadedLlm;
import io.jllm.jmh.models.Models;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import java.util.List;
import java.util.SplittableRandom;
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

/** What a step takes on a device that is busy with it for a while: with overlap hardly more, without it the host's share besides. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class Overlap {
    private static final int STEPS = 256;

    /** Sequences in a step. */
    @Param({"1", "64"})
    private int batch;

    /** Microseconds that a step takes the device. */
    @Param("400")
    private int device;

    /** Whether the next step begins before tokens are read. */
    @Param({"true", "false"})
    private boolean overlaps;

    private LLM llm;
    private List<Request> asked;

    /** Loads the vocabulary. */
    @Setup
    public void open() {
        LoadedModel loaded = ModelFiles.open(DemoModel.path());
        llm = new LoadedLlm(loaded, new PacedBackend(loaded.config().vocab(), 1000L * device, overlaps), EngineOptions.DEFAULT, List.of());
        var random = new SplittableRandom(1);
        SamplingParams params = SamplingParams.greedy().toBuilder().maxTokens(STEPS).ignoreEos(true).build();
        asked = Stream.generate(() -> new Request(Models.prompt(llm, random, 1), params)).limit(batch).toList();
    }

    /** One step. */
    @Benchmark
    @OperationsPerInvocation(STEPS)
    public List<RequestOutput> step() {
        return Models.good(llm.generate(asked));
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        llm.close();
    }
}
