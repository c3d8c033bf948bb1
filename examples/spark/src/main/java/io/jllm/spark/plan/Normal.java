package io.jllm.spark.plan;

/** Random numbers that are the same on every machine. */
final class Normal {
    private static final double SCALE = 0x1p-53;

    private Normal() {
    }

    /** Bits that a seed and an index decide: SplitMix64's output function. */
    static long bits(long seed, long index) {
        long z = seed * 0x9e3779b97f4a7c15L + (index + 1) * 0xd1342543de82ef95L;
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    /** In (0, 1). */
    static double uniform(long seed, long index) {
        return ((bits(seed, index) >>> 11) + 0.5) * SCALE;
    }

    /** The number below which that part of a normal distribution lies: bisection of its integral, summed as a series. */
    static double quantile(double part) {
        double low = -9;
        double high = 9;
        for (int i = 0; i < 60; i++) {
            double middle = (low + high) / 2;
            if (below(middle) < part) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }

    private static double below(double x) {
        if (x > 0) {
            return 1 - below(-x);
        }
        double term = x;
        double sum = x;
        for (int n = 1; n < 300 && StrictMath.abs(term) > 1e-18; n++) { // Marsaglia 2004: x + x^3/3 + x^5/(3*5) + ...
            term *= x * x / (2 * n + 1);
            sum += term;
        }
        return Math.max(0, 0.5 + sum * StrictMath.exp(-x * x / 2) / StrictMath.sqrt(2 * StrictMath.PI));
    }

    /** A log-normal number of that median. */
    static double logNormal(double median, double sigma, long seed, long index) {
        return median * StrictMath.exp(sigma * quantile(uniform(seed, index)));
    }
}
