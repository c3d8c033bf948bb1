package io.jllm.jmh.kernels;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.jmh.results.Provenance;
import io.jllm.quant.DType;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Products of formats by turns, in one thread, by the time that it has on a processor: for machines that others keep busy, where what a clock on the
 * wall says is of no use. {@code pairs KERNELS COLUMNS FORMAT OTHER...} compares others with the first format, by one token and by 64, and
 * prints a line of JSON for each.
 */
public final class Pairs {
    private static final ThreadMXBean TIME = ManagementFactory.getThreadMXBean();
    /** Of so many rounds the second half counts. */
    private static final int ROUNDS = 40;
    private static final int PIECE = 512;
    /** Weights of a matrix by one token: more than caches hold; and by many, where that is no matter. */
    private static final long MANY = 80L << 20;
    private static final long FEW = 8L << 20;
    private static final int TOKENS = 64;
    private static final double NANOS = 1e9;

    private Pairs() {
    }

    /** As the class says; returns the exit status. */
    public static int run(String[] args, PrintStream out) {
        if (args.length < 4) {
            System.err.println("pairs KERNELS COLUMNS FORMAT OTHER...");
            return 1;
        }
        int columns = Integer.parseInt(args[1]);
        DType[] formats = Arrays.stream(args).skip(2).map(DType::valueOf).toArray(DType[]::new);
        for (int tokens : new int[] {1, TOKENS}) {
            long values = tokens == 1 ? MANY : FEW;
            double[][] seconds = measure(args[0], columns, formats, tokens, (int) (values / columns / 16) * 16);
            for (int f = 1; f < formats.length; f++) {
                out.println(line(formats, f, tokens, columns, seconds, String.join(" ", args)));
            }
        }
        return 0;
    }

    /** Seconds of each format, sorted. */
    private static double[][] measure(String kernels, int columns, DType[] formats, int tokens, int rows) {
        try (Arena arena = Arena.ofShared()) {
            List<Runnable> products = new ArrayList<>();
            var workspace = new Workspace(arena, columns);
            for (DType format : formats) {
                var product = new Product(arena, KernelChoice.of(kernels), Product.weights(arena, 1, format, rows, columns));
                Rows x = Product.floats(arena, new SplittableRandom(2), tokens, columns);
                Product.Tokens arranged = product.tokens(arena, x, tokens);
                var target = new Target(Product.outputs(arena, tokens, rows), 0, Optional.empty());
                products.add(() -> {
                    for (int r = 0; r < rows; r += PIECE) {
                        product.run(r, Math.min(rows, r + PIECE), arranged, target, workspace);
                    }
                });
            }
            var seconds = new double[formats.length][ROUNDS / 2];
            for (int i = 0; i < ROUNDS; i++) {
                for (int f = 0; f < formats.length; f++) {
                    long start = TIME.getCurrentThreadCpuTime();
                    products.get(f).run();
                    seconds[f][i % (ROUNDS / 2)] = (TIME.getCurrentThreadCpuTime() - start) / NANOS;
                }
            }
            for (double[] s : seconds) {
                Arrays.sort(s);
            }
            return seconds;
        }
    }

    private static String line(DType[] formats, int f, int tokens, int columns, double[][] seconds, String arguments) {
        int median = ROUNDS / 4;
        var json = new JsonObject();
        json.addProperty("date", LocalDate.now(ZoneOffset.UTC).toString());
        json.addProperty("commit", Provenance.commit());
        json.addProperty("label", formats[f] + " beside " + formats[0] + ", " + tokens + (tokens == 1 ? " token" : " tokens"));
        json.addProperty("columns", columns);
        json.addProperty("tokens", tokens);
        json.addProperty("seconds", rounded(seconds[f][median]));
        json.addProperty("peer_seconds", rounded(seconds[0][median]));
        json.addProperty("speed_of_peer", rounded(seconds[0][median] / seconds[f][median]));
        json.addProperty("peer", formats[0] + " in the same run");
        var runs = new JsonArray();
        Arrays.stream(seconds[f]).forEach(s -> runs.add(rounded(s)));
        json.add("runs", runs);
        json.addProperty("hardware", Provenance.hardware());
        json.addProperty("jdk", Provenance.jdk());
        json.addProperty("command", "java -jar jmh/target/benchmarks.jar pairs " + arguments);
        json.addProperty("how", "time of one thread on its processor; formats by turns, " + ROUNDS + " rounds, medians of the second half; others"
                + " used the machine too");
        return json.toString();
    }

    private static double rounded(double value) {
        return new BigDecimal(value).round(new MathContext(4)).doubleValue();
    }
}
