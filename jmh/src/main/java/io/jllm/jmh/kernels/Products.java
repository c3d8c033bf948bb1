package io.jllm.jmh.kernels;

import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.jmh.compare.Bandwidth;
import io.jllm.quant.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Optional;
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
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * A matrix of weights by one token, as when one sequence generates, by several, as when many do, and by many, as when prompts are read.
 * With few tokens it is memory that limits, where the matrix is larger than the caches. Each thread ({@code -t}) has a matrix of its own.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 7, time = 300, timeUnit = TimeUnit.MILLISECONDS)
public class Products {
    private static final long MEBI = 1 << 20;
    private static final double GIGA = 1e9;
    /** Rows that a runner computes in one piece. */
    private static final int PIECE = 512;
    /** What all threads together read in a second, in 1e9 bytes; measured once in a JVM. */
    private static double bandwidth;

    /** As {@code llm --kernels} takes them. */
    @Param("auto")
    private String kernels;

    /** Weights. */
    @Param({"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4", "F16", "BF16", "F32",
        "U4_32", "U4_64", "U4_128", "U3_128", "U2_128", "U8_32", "S8_64", "NF4", "FP4", "E2M1_64", "F8_64"})
    private DType format;

    /** Tokens. */
    @Param({"1", "4", "8", "64"})
    private int batch;

    /** Columns. */
    @Param("2048")
    private int columns;

    /** How much weights take, about. */
    @Param("64")
    private int mebibytes;

    private Arena arena;
    private Product product;
    private Product.Tokens tokens;
    private Target out;
    private Workspace workspace;
    private int rows;

    /** What a second sees; JMH divides by the time. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Done {
        /** Multiplications with additions, in 1e9. */
        public double gmac;
        /** Bytes of weights, in 1e9. */
        public double gbytes;
        /** The part of the speed at which this machine reads memory with as many threads. Above 1, weights came from caches. */
        public double ofBandwidth;

        /** Begins anew. */
        @Setup(org.openjdk.jmh.annotations.Level.Iteration)
        public void clear() {
            gmac = 0;
            gbytes = 0;
            ofBandwidth = 0;
        }
    }

    /** Makes weights up. */
    @Setup
    public void open(BenchmarkParams params) throws IOException, InterruptedException {
        measureBandwidth(params.getThreads());
        arena = Arena.ofShared();
        rows = (int) Math.max(1, mebibytes * MEBI / (16 * format.bytes(columns))) * 16;
        product = new Product(arena, KernelChoice.of(kernels), Product.weights(arena, 1, format, rows, columns));
        Rows x = Product.floats(arena, new SplittableRandom(2), batch, columns);
        tokens = product.tokens(arena, x, batch);
        out = new Target(Product.outputs(arena, batch, rows), 0, Optional.empty());
        workspace = new Workspace(arena, columns);
    }

    private static synchronized void measureBandwidth(int threads) throws IOException, InterruptedException {
        if (bandwidth == 0) {
            bandwidth = Bandwidth.measure(threads);
        }
    }

    /** All rows by all tokens. */
    @Benchmark
    public Target multiply(Done done) {
        for (int r = 0; r < rows; r += PIECE) {
            product.run(r, Math.min(rows, r + PIECE), tokens, out, workspace);
        }
        done.gmac += (double) rows * columns * batch / GIGA;
        done.gbytes += product.bytes() / GIGA;
        done.ofBandwidth += product.bytes() / GIGA / bandwidth;
        return out;
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        arena.close();
    }
}
