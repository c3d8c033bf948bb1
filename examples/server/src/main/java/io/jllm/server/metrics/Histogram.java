package io.jllm.server.metrics;

import java.util.Locale;

/** How often values were at most so large, as Prometheus has it. Safe for all threads. */
final class Histogram {
    private static final double[] SECONDS = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160,
        640};
    private static final double[] TOKENS = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000};

    private final double[] bounds;
    private final long[] counts;
    private double sum;

    private Histogram(double[] bounds) {
        this.bounds = bounds;
        counts = new long[bounds.length + 1];
    }

    static Histogram ofSeconds() {
        return new Histogram(SECONDS);
    }

    static Histogram ofTokens() {
        return new Histogram(TOKENS);
    }

    synchronized void add(double value) {
        int i = 0;
        while (i < bounds.length && value > bounds[i]) {
            i++;
        }
        counts[i]++;
        sum += value;
    }

    /** Its lines. */
    synchronized void write(StringBuilder out, String name, String labels) {
        long below = 0;
        for (int i = 0; i < counts.length; i++) {
            below += counts[i];
            String bound = i == bounds.length ? "+Inf" : number(bounds[i]);
            out.append(name).append("_bucket{").append(labels).append(",le=\"").append(bound).append("\"} ").append(below).append('\n');
        }
        out.append(name).append("_sum{").append(labels).append("} ").append(number(sum)).append('\n');
        out.append(name).append("_count{").append(labels).append("} ").append(below).append('\n');
    }

    static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? String.format(Locale.ROOT, "%.1f", value) : Double.toString(value);
    }
}
