package io.jllm.jmh.engine;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.jmh.models.Models;
import java.util.ArrayList;
import java.util.Arrays;
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
 * Requests that begin alike, as those of an assistant with a long instruction do, with and without the prefix cache. Each time
 * the cache is empty at first: somebody has to compute the common part once.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 1)
@Measurement(iterations = 5)
public class PrefixSharing {
    /** {@code demo}, or the path of a GGUF file or a Hugging Face folder. */
    @Param(Models.DEMO)
    private String model;

    /** Whether equal beginnings are computed once. */
    @Param({"true", "false"})
    private boolean prefixCache;

    /** Requests at once. */
    @Param("16")
    private int requests;

    /** Tokens that all prompts begin with. */
    @Param("900")
    private int prefix;

    /** Further tokens of a prompt, its own. */
    @Param("16")
    private int question;

    /** Tokens generated for each. */
    @Param("32")
    private int answer;

    private final SplittableRandom random = new SplittableRandom(1);
    private LLM llm;
    private List<Request> asked;

    /** Loads the model. */
    @Setup
    public void open() {
        llm = Models.load(model).prefixCache(prefixCache).open();
    }

    /** Thinks of new prompts, and has the old ones forgotten. */
    @Setup(Level.Invocation)
    public void ask() {
        llm.resetPrefixCache();
        int[] common = Models.ids(llm, random, prefix);
        SamplingParams params = SamplingParams.greedy().toBuilder().maxTokens(answer).ignoreEos(true).build();
        asked = new ArrayList<>();
        for (int i = 0; i < requests; i++) {
            int[] ids = Arrays.copyOf(common, prefix + question);
            System.arraycopy(Models.ids(llm, random, question), 0, ids, prefix, question);
            asked.add(new Request(Prompt.ofTokens(ids), params));
        }
    }

    /** All of them, from first asking to last answer. */
    @Benchmark
    public List<RequestOutput> requests() {
        return Models.good(llm.generate(asked));
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        llm.close();
    }
}
