package io.jllm.jmh.grammar;

import com.sun.management.OperatingSystemMXBean;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.constraint.Constraint;
import io.jllm.constraint.TokenMask;
import io.jllm.jmh.models.Models;
import io.jllm.tokenizer.Tokenizer;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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
 * Answers that obey schemas, each request's its own, beside free ones of the same lengths; sampled at temperature 1. All prompts begin with the
 * same tokens.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 7, time = 3)
public class Bound {
    /** {@code demo}, or the path of a GGUF file or a Hugging Face folder. */
    @Param(Models.DEMO)
    private String model;

    /** Sequences at once. */
    @Param({"1", "16", "64"})
    private int batch;

    /** Most tokens of an answer. */
    @Param("128")
    private int answer;

    /** {@code free} answers; {@code drawn}: each token of a bound answer drawn; {@code bound}: those without a choice taken ahead. */
    @Param({"free", "drawn", "bound"})
    private String how;

    /** Threads; 0 for one each physical core. */
    @Param("0")
    private int threads;

    private final OperatingSystemMXBean process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private LLM llm;
    private List<Request> asked;
    private int tokens;

    /** What was done in all measured iterations. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Done {
        /** Steps of the engine. */
        public double steps;
        /** Tokens of answers. */
        public double tokens;
        /** Milliseconds that all threads together computed: with one thread for the model a figure that neighbours do not change much. */
        public double cpuMillis;
    }

    /** A constraint whose masks do not tell where there is no choice. */
    private record Drawn(Constraint of) implements Constraint {
        @Override
        public TokenMask start(Tokenizer tokenizer) {
            return new Mask(of.start(tokenizer));
        }

        @Override
        public boolean accepts(String text) {
            return of.accepts(text);
        }

        private record Mask(TokenMask of) implements TokenMask {
            @Override
            public void allowed(long[] bits) {
                of.allowed(bits);
            }

            @Override
            public void allowed(long[] bits, int left) {
                of.allowed(bits, left);
            }

            @Override
            public int fewest() {
                return of.fewest();
            }

            @Override
            public boolean mayEnd() {
                return of.mayEnd();
            }

            @Override
            public boolean mayGoOn() {
                return of.mayGoOn();
            }

            @Override
            public TokenMask after(int token) {
                return new Mask(of.after(token));
            }
        }
    }

    /** Loads the model, and finds out how long the bound answers are. */
    @Setup
    public void open() {
        var builder = Models.load(model).maxSequences(batch).prefixCache(false);
        llm = (threads == 0 ? builder : builder.threads(threads)).open();
        Prompt prompt = Models.prompt(llm, new SplittableRandom(1), 8);
        List<Constraint> constraints = Schemas.all().stream().map(Schemas::compile).toList();
        var bound = new ArrayList<Request>();
        for (int i = 0; i < batch; i++) {
            Constraint of = constraints.get(i % constraints.size());
            bound.add(new Request(prompt, SamplingParams.builder().seed(i).temperature(1).maxTokens(answer)
                    .constraint(how.equals("bound") ? of : new Drawn(of)).build()));
        }
        List<RequestOutput> said = Models.good(llm.generate(bound));
        tokens = said.stream().mapToInt(o -> o.tokenIds().length).sum();
        asked = bound;
        if (how.equals("free")) {
            asked = said.stream().map(o -> new Request(prompt, SamplingParams.builder().seed(1).temperature(1).maxTokens(o.tokenIds().length)
                    .ignoreEos(true).build())).toList();
        }
    }

    /** A batch of answers. */
    @Benchmark
    public List<RequestOutput> answers(Done done) {
        long before = llm.metrics().steps();
        long cpu = process.getProcessCpuTime();
        List<RequestOutput> results = Models.good(llm.generate(asked));
        done.cpuMillis += (process.getProcessCpuTime() - cpu) / 1e6;
        done.steps += llm.metrics().steps() - before;
        done.tokens += tokens;
        return results;
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        llm.close();
    }
}
