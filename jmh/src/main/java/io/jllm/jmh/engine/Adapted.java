package io.jllm.jmh.engine;

import com.sun.management.OperatingSystemMXBean;
import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.SamplingParams;
import io.jllm.jmh.models.Models;
import io.jllm.jmh.models.RandomAdapter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * A batch of sequences that generate, each with an adapter of its own, beside the same without adapters. The two take turns, so that what else the
 * machine does meets both: {@code plain} and {@code adapted} are tokens a second of all sequences, {@code share} the second by the first,
 * {@code cpuShare} the same by the processor time of this process, which other programs spoil less; means over the measured turns.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 2)
@Measurement(iterations = 9)
public class Adapted {
    /** {@code demo}, or the path of a GGUF file or a Hugging Face folder, of the llama family. */
    @Param(Models.DEMO)
    private String model;

    /** Sequences at once, and adapters. */
    @Param("16")
    private int batch;

    /** Rank of the adapters. */
    @Param("16")
    private int rank;

    /** Whether all products of layers are adapted, or those of q and v. */
    @Param({"false", "true"})
    private boolean all;

    /** Tokens that each sequence generates. */
    @Param("32")
    private int answer;

    private final List<Request> plain = new ArrayList<>();
    private final List<Request> adapted = new ArrayList<>();
    private final OperatingSystemMXBean processor = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private LLM llm;
    private int iterations;

    /** JMH adds up what iterations count: each counts its part of the mean. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Done {
        public double plain;
        public double adapted;
        public double share;
        public double cpuShare;

        /** Begins anew. */
        @Setup(Level.Iteration)
        public void clear() {
            plain = 0;
            adapted = 0;
            share = 0;
            cpuShare = 0;
        }
    }

    /** Loads the model, and writes and loads adapters. */
    @Setup
    public void open(BenchmarkParams params) throws IOException {
        iterations = params.getMeasurement().getCount();
        llm = Models.load(model).maxSequences(batch).prefixCache(false).open();
        Path folder = Files.createTempDirectory("adapters");
        var random = new SplittableRandom(1);
        SamplingParams sampling = SamplingParams.greedy().toBuilder().maxTokens(answer).ignoreEos(true).build();
        for (int i = 0; i < batch; i++) {
            Path one = folder.resolve("a" + i);
            RandomAdapter.write(one, llm.config(), rank, all, i);
            llm.adapters().load("a" + i, one);
            Files.delete(one.resolve("adapter_model.safetensors"));
            Files.delete(one.resolve("adapter_config.json"));
            Files.delete(one);
            Request r = new Request(Models.prompt(llm, random, 1), sampling);
            plain.add(r);
            adapted.add(r.adapter("a" + i));
        }
        Files.delete(folder);
    }

    /** What the answers to requests take, in seconds. */
    private record Taken(double seconds, double processor) {
    }

    private Taken time(List<Request> requests) {
        long began = System.nanoTime();
        long cpu = processor.getProcessCpuTime();
        Models.good(llm.generate(requests));
        return new Taken((System.nanoTime() - began) / 1e9, (processor.getProcessCpuTime() - cpu) / 1e9);
    }

    /** Both, one after the other. */
    @Benchmark
    public double turns(Done done) {
        Taken without = time(plain);
        Taken with = time(adapted);
        int tokens = batch * answer;
        done.plain = tokens / without.seconds / iterations;
        done.adapted = tokens / with.seconds / iterations;
        done.share = without.seconds / with.seconds / iterations;
        done.cpuShare = without.processor / with.processor / iterations;
        return done.share;
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        llm.close();
    }
}
