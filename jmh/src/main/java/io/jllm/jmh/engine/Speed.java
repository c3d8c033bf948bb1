package io.jllm.jmh.engine;

import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.jmh.models.Models;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.AuxCounters;
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
 * From the caller's request to the last token, as llama-bench and llama-batched-bench name and define it: {@code pp}, how fast prompts
 * are read, and {@code tg}, how fast tokens are generated after an empty prompt. {@code tokens} is tokens a second of all sequences.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 7, time = 2)
public class Speed {
    /** {@code demo}, or the path of a GGUF file or a Hugging Face folder. */
    @Param(Models.DEMO)
    private String model;

    /** Sequences at once. */
    @Param({"1", "8", "32"})
    private int batch;

    /** Tokens that each sequence reads ({@code pp}) or generates ({@code tg}). */
    @Param({"64", "512"})
    private int length;

    /** As {@code llm --kernels} takes them. */
    @Param("auto")
    private String kernels;

    /** Threads; 0 for one each physical core. */
    @Param("0")
    private int threads;

    private LLM llm;
    private SplittableRandom random;

    /** What a second sees; JMH divides by the time. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Done {
        /** Tokens read or generated. */
        public double tokens;

        /** Begins anew. */
        @Setup(Level.Iteration)
        public void clear() {
            tokens = 0;
        }
    }

    /** Loads the model; nothing is found in a cache. */
    @Setup
    public void open() {
        var builder = Models.load(model).maxSequences(batch).prefixCache(false).kernels(kernels);
        llm = (threads == 0 ? builder : builder.threads(threads)).open();
        random = new SplittableRandom(1);
    }

    /** Prompts, and a token after each. */
    @Benchmark
    public List<RequestOutput> pp(Done done) {
        return generate(done, length, 1);
    }

    /** Tokens after prompts of one. */
    @Benchmark
    public List<RequestOutput> tg(Done done) {
        return generate(done, 1, length);
    }

    private List<RequestOutput> generate(Done done, int prompt, int answer) {
        SamplingParams params = SamplingParams.greedy().toBuilder().maxTokens(answer).ignoreEos(true).build();
        List<RequestOutput> results = Models.good(llm.generate(
                IntStream.range(0, batch).mapToObj(_ -> new Request(Models.prompt(llm, random, prompt), params)).toList()));
        done.tokens += (double) batch * length;
        return results;
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        llm.close();
    }
}
