package io.jllm.jmh.cpu;

import io.jllm.cpu.CpuBackendProvider;
import io.jllm.demo.DemoModel;
import io.jllm.jmh.models.Models;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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
 * A forward pass of one token that sees many: what llama-bench calls tg at a depth, but without computing the tokens before. What lies
 * in the cache makes no difference to the time; so every block gets one token only, which is quick.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 10, time = 1)
public class DecodeAtDepth {
    private static final int BLOCK_SIZE = 16;
    private static final int STEP = 128;

    /** Orders of blocks. */
    public enum Order { FORWARD, BACKWARD, SHUFFLED }

    /** {@code demo}, or the path of a GGUF file or a Hugging Face folder. */
    @Param(Models.DEMO)
    private String model;

    /** Positions before the token. */
    @Param({"0", "1024", "8192"})
    private int depth;

    /** How keys and values are stored. */
    @Param({"F32", "F16", "Q8_0"})
    private DType kvType;

    /** Kernels, as {@code --kernels} names them. */
    @Param("auto")
    private String kernels;

    /** Threads; 0 for one each physical core. */
    @Param("0")
    private int threads;

    /** In which order the sequence has the blocks of the pool: as they lie in memory, backwards, or as they come on a busy machine. */
    @Param("FORWARD")
    private Order order;

    private LoadedModel files;
    private Backend backend;
    private ModelRunner runner;
    private StepBatch batch;

    /** Loads the model and fills the cache. */
    @Setup
    public void load() {
        files = ModelFiles.open(model.equals(Models.DEMO) ? DemoModel.path() : Path.of(model));
        backend = new CpuBackendProvider().open(new BackendOptions(threads, kernels, 0, 1));
        int blocks = depth / BLOCK_SIZE + 1;
        runner = backend.load(files.program(), files.weights(), new RunnerOptions(STEP, STEP, 1, BLOCK_SIZE, blocks, 0, kvType));
        for (int first = 0; first < blocks; first += STEP) {
            runner.forward(oneTokenABlock(first, Math.min(blocks, first + STEP)));
        }
        batch = new StepBatch(1, 1, 1, blocks);
        batch.positions[0] = depth;
        batch.queryStart[1] = 1;
        batch.contextLength[0] = depth + 1;
        List<Integer> table = new ArrayList<>(IntStream.range(0, blocks).boxed().toList());
        switch (order) {
            case FORWARD -> { }
            case BACKWARD -> Collections.reverse(table);
            case SHUFFLED -> Collections.shuffle(table, new Random(1));
        }
        for (int i = 0; i < blocks; i++) {
            batch.blockTable[i] = table.get(i);
        }
        batch.kvSlots[0] = batch.blockTable[depth / BLOCK_SIZE] * BLOCK_SIZE + depth % BLOCK_SIZE;
        batch.tokens = 1;
        batch.sequences = 1;
        batch.logitRows = 1;
    }

    /** Sequences of one token, each in a block of its own. */
    private static StepBatch oneTokenABlock(int from, int to) {
        int n = to - from;
        var b = new StepBatch(n, n, 1, 1);
        for (int i = 0; i < n; i++) {
            b.kvSlots[i] = (from + i) * BLOCK_SIZE;
            b.queryStart[i + 1] = i + 1;
            b.contextLength[i] = 1;
            b.blockTable[i] = from + i;
            b.sequenceSlot[i] = i;
        }
        b.tokens = n;
        b.sequences = n;
        return b;
    }

    /** One token. */
    @Benchmark
    public void forward() {
        runner.forward(batch);
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        runner.close();
        backend.close();
        files.close();
    }
}
