package io.jllm.engine.sequence;

import io.jllm.RequestOutput.Percentiles;
import java.time.Duration;

/**
 * How often waits of which length occurred, in classes: 32 for each doubling, as HdrHistogram has them. A class is at most 1/32
 * wide of its lower bound, so its middle is off by at most 1/64; waits of less than two microseconds have classes of 64 ns.
 * 4 KiB, however many there are. For one thread.
 */
final class LatencyHistogram {
    private static final int UNIT_BITS = 6;
    private static final int CLASS_BITS = 5;
    private static final int CLASSES = 1 << CLASS_BITS;
    /** Waits of more than 2^42 ns, 73 minutes, share the last class, and are told as the longest of them. */
    private static final long MOST = (1L << 42 - UNIT_BITS) - 1;

    private final int[] counts = new int[classOf(MOST) + 1];
    private long count;
    private long max;

    void add(long nanos) {
        counts[classOf(Math.min(nanos >> UNIT_BITS, MOST))]++;
        count++;
        max = Math.max(max, nanos);
    }

    /** Which waits most stayed below; there must be one. */
    Percentiles percentiles() {
        return new Percentiles(at(0.5), at(0.9), at(0.99), Duration.ofNanos(max));
    }

    /** The shortest wait that this part of all does not exceed. */
    private Duration at(double part) {
        long rank = Math.max(1, (long) Math.ceil(part * count));
        int c = 0;
        for (long seen = counts[0]; seen < rank; seen += counts[c]) {
            c++;
        }
        return Duration.ofNanos(c == counts.length - 1 ? max : Math.min(max, middle(c)));
    }

    private static int classOf(long units) {
        int doublings = Math.max(0, Long.SIZE - CLASS_BITS - 1 - Long.numberOfLeadingZeros(units | 1));
        return (doublings << CLASS_BITS) + (int) (units >> doublings);
    }

    private static long middle(int c) {
        int doublings = Math.max(0, (c >> CLASS_BITS) - 1);
        long first = (long) (c - (doublings << CLASS_BITS)) << doublings + UNIT_BITS;
        return first + (1L << doublings + UNIT_BITS) / 2;
    }
}
