package io.jllm.jmh.compare;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/**
 * How fast memory can be read, in a JVM of its own on huge pages, as the weights have: the limit of generation, in which each weight
 * is read once for a token.
 */
public final class Bandwidth {
    private static final int LONGS = 32 << 20;
    private static final int PASSES = 7;
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private Bandwidth() {
    }

    /** Measures in another JVM: GB (1e9 bytes) a second with so many threads, the median of several passes. */
    public static double measure(int threads) throws IOException, InterruptedException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        long heap = (long) LONGS * Long.BYTES * threads * 3 / 2 + (64 << 20);
        String out = Child.run(List.of(java, "-XX:+UseTransparentHugePages", "-XX:+UseParallelGC", "-Xms" + heap, "-Xmx" + heap, "-Xmn" + (64 << 20),
                "-cp", System.getProperty("java.class.path"), Bandwidth.class.getName(), "" + threads), Map.of(), LIMIT).out();
        return Double.parseDouble(out.strip());
    }

    /** Prints GB a second, read by as many threads as the argument says. */
    public static void main(String[] args) throws InterruptedException {
        int threads = Integer.parseInt(args[0]);
        long[][] memory = new long[threads][LONGS];
        for (long[] part : memory) {
            Arrays.fill(part, threads);
        }
        var starts = new long[PASSES + 1];
        var sums = new long[threads];
        var barrier = new CyclicBarrier(threads, new Runnable() {
            private int pass;

            @Override
            public void run() {
                starts[pass++] = System.nanoTime();
            }
        });
        var team = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            int member = i;
            team[i] = new Thread(() -> {
                try {
                    barrier.await();
                    for (int pass = 0; pass < PASSES; pass++) {
                        sums[member] += sum(memory[member]);
                        barrier.await();
                    }
                } catch (InterruptedException | BrokenBarrierException e) {
                    throw new IllegalStateException(e);
                }
            });
            team[i].start();
        }
        for (Thread t : team) {
            t.join();
        }
        if (Arrays.stream(sums).sum() != (long) PASSES * threads * threads * LONGS) {
            throw new IllegalStateException("memory was read wrong");
        }
        // The first two passes run in code that is not yet compiled.
        double[] speeds = new double[PASSES - 2];
        for (int pass = 2; pass < PASSES; pass++) {
            speeds[pass - 2] = (double) LONGS * Long.BYTES * threads / (starts[pass + 1] - starts[pass]);
        }
        Arrays.sort(speeds);
        System.out.println(speeds[speeds.length / 2]);
    }

    private static long sum(long[] part) {
        long sum = 0;
        int step = 1 << 16; // short loops are compiled before the whole is read
        for (int from = 0; from < part.length; from += step) {
            sum += sum(part, from, from + step);
        }
        return sum;
    }

    private static long sum(long[] part, int from, int to) {
        long sum = 0;
        for (int i = from; i < to; i++) {
            sum += part[i];
        }
        return sum;
    }
}
