package io.jllm.jmh.engine;

import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.jmh.models.Models;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The first requests that a new JVM answers after it has loaded a model: {@code runs} of a result has them one after the other. Where the
 * warm-up at load does what it shall, the first takes hardly longer than the tenth.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 0)
@Measurement(iterations = 10)
public class FirstRequests {
    /** {@code demo}, or the path of a GGUF file or a Hugging Face folder. */
    @Param(Models.DEMO)
    private String model;

    /** Kernels, as {@code --kernels} names them. */
    @Param("auto")
    private String kernels;

    /** Tokens of each prompt, which are new ones every time. */
    @Param({"8", "600"})
    private int question;

    /** Tokens generated. */
    @Param("16")
    private int answer;

    private final SplittableRandom random = new SplittableRandom(1);
    private LLM llm;
    private List<Request> asked;

    /** Loads the model. */
    @Setup
    public void open() {
        llm = Models.load(model).kernels(kernels).open();
    }

    /** Thinks of a prompt. */
    @Setup(Level.Invocation)
    public void ask() {
        SamplingParams params = SamplingParams.greedy().toBuilder().maxTokens(answer).ignoreEos(true).build();
        asked = List.of(new Request(Models.prompt(llm, random, question), params));
    }

    /** One request, waited for. */
    @Benchmark
    public List<RequestOutput> request() {
        return Models.good(llm.generate(asked));
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        llm.close();
    }
}
