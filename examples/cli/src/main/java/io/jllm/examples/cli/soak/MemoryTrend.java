package io.jllm.examples.cli.soak;

import java.util.Arrays;

/**
 * Memory after each round, in MiB, and whether it stays the same once everything has been used.
 *
 * @param mib one figure a round; NaN where the system does not say
 * @param slackMib growth that is no leak: what compilers and allocators take and keep
 */
record MemoryTrend(double[] mib, double slackMib) {
    /** Rounds at the beginning in which caches fill and code is compiled. */
    private static final int WARM = 2;
    private static final int WINDOW = 3;
    private static final double GROWTH = 0.05;

    /** Whether there are rounds enough to tell. */
    boolean tells() {
        return mib.length >= WARM + 2 * WINDOW && Arrays.stream(mib).noneMatch(Double::isNaN);
    }

    /** Whether the middle of the last rounds is no more than 5 % or the slack above the middle of the first ones after warming up. */
    boolean flat() {
        double first = middle(Arrays.copyOfRange(mib, WARM, WARM + WINDOW));
        double last = middle(Arrays.copyOfRange(mib, mib.length - WINDOW, mib.length));
        return last - first <= Math.max(GROWTH * first, slackMib);
    }

    private static double middle(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}
