package io.jllm.jmh.engine;

import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.jmh.models.Models;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
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
 * Answers of very different lengths, in a batch of limited size: static batching waits for the longest of a group before it
 * begins the next group, continuous batching gives each free place to the next request at once.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 1)
@Measurement(iterations = 5)
public class Batching {
    /** {@code demo}, or the path of a GGUF file or a Hugging Face folder. */
    @Param(Models.DEMO)
    private String model;

    /** Sequences at once, in both forms. */
    @Param("16")
    private int batch;

    /** Requests in all. */
    @Param("96")
    private int requests;

    /** Tokens of the longest answers; most are much shorter. */
    @Param("256")
    private int answer;

    private LLM llm;
    private List<Request> asked;

    /** Loads the model and thinks of requests: prompts of 8 to 64 tokens, answers whose lengths double with equal chance. */
    @Setup
    public void open() {
        llm = Models.load(model).maxSequences(batch).prefixCache(false).open();
        var random = new SplittableRandom(1);
        asked = new ArrayList<>();
        for (int i = 0; i < requests; i++) {
            int tokens = Math.max(1, (int) (answer * Math.pow(2, -6 * random.nextDouble())));
            asked.add(new Request(Models.prompt(llm, random, random.nextInt(8, 65)),
                    SamplingParams.greedy().toBuilder().maxTokens(tokens).ignoreEos(true).build()));
        }
    }

    /** One group after the other. */
    @Benchmark
    public List<RequestOutput> statically() {
        var results = new ArrayList<RequestOutput>();
        for (int i = 0; i < requests; i += batch) {
            results.addAll(Models.good(llm.generate(asked.subList(i, Math.min(i + batch, requests)))));
        }
        return results;
    }

    /** All at once; the engine takes them in as places become free. */
    @Benchmark
    public List<RequestOutput> continuously() {
        return Models.good(llm.generate(asked));
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        llm.close();
    }
}
