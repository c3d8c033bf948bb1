package io.jllm.engine.sequence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.RequestOutput.Percentiles;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Percentiles are as near to the exact ones as promised. */
class LatencyHistogramTest {
    private static void assertNear(long exact, Duration got) {
        double most = Math.max(64, exact / 62.5);
        assertEquals(exact, got.toNanos(), most);
    }

    private static void check(long[] waits) {
        var histogram = new LatencyHistogram();
        for (long w : waits) {
            histogram.add(w);
        }
        long[] sorted = waits.clone();
        Arrays.sort(sorted);
        Percentiles p = histogram.percentiles();
        assertNear(sorted[(int) Math.ceil(0.5 * waits.length) - 1], p.p50());
        assertNear(sorted[(int) Math.ceil(0.9 * waits.length) - 1], p.p90());
        assertNear(sorted[(int) Math.ceil(0.99 * waits.length) - 1], p.p99());
        assertEquals(sorted[waits.length - 1], p.max().toNanos());
        assertTrue(p.p50().compareTo(p.p90()) <= 0 && p.p90().compareTo(p.p99()) <= 0 && p.p99().compareTo(p.max()) <= 0, p.toString());
    }

    @Test
    void anyWaits() {
        var random = new Random(5);
        for (int round = 0; round < 200; round++) {
            double scale = Math.exp(random.nextDouble() * 28);
            check(random.doubles(1 + random.nextInt(300), 0, 1).mapToLong(x -> (long) (scale * x * x)).toArray());
        }
    }

    @Test
    void everyClass() {
        for (int shift = 0; shift < 41; shift++) {
            for (long wait : new long[] {1L << shift, (1L << shift) - 1, (1L << shift) + 1, 3L << shift >> 1}) {
                check(new long[] {wait});
                check(new long[] {wait, wait, Long.MAX_VALUE});
            }
        }
    }

    @Test
    void manyEqualWaitsAndOneLong() {
        long[] waits = new long[1000];
        Arrays.fill(waits, 20_000_000);
        waits[17] = Duration.ofHours(5).toNanos();
        check(waits);
    }
}
