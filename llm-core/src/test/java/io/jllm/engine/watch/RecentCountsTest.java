package io.jllm.engine.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.FinishReason;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Rates are those of the last ten seconds, whatever went before. */
class RecentCountsTest {
    private static final long MILLI = 1_000_000;
    /** Engines may be opened at any fraction of a second. */
    private static final long OPENED = 123_456_789;

    private final RecentCounts recent = new RecentCounts(at(OPENED, 0, 0));

    private static EngineCounts at(long time, long generated, long prefilled) {
        return new EngineCounts(time, 1, 0, 2, new long[] {3, 4, 5, 6}, 8, generated + prefilled, prefilled, generated, 9, 10, 40, 30, 20,
                7, 28, 5 * MILLI);
    }

    private double rate(long now) {
        EngineCounts base = recent.base(now);
        return recent.newest().metrics(base, RecentCounts.window(base, now), now - OPENED, 0).generatedPerSecond();
    }

    /** A step each 10 ms from one time to another, that many tokens each; returns the tokens until then. */
    private long work(long from, long to, long before, int tokens) {
        long generated = before;
        for (long t = from; t < to; t += 10 * MILLI) {
            generated += tokens;
            recent.add(at(t, generated, 0));
        }
        return generated;
    }

    @Test
    void ofAYoungEngineSinceItWasOpened() {
        assertEquals(0, rate(OPENED + 5));
        work(OPENED + 10 * MILLI, OPENED + 2000 * MILLI + 1, 0, 3);
        assertEquals(300, rate(OPENED + 2000 * MILLI), 0.001);
        assertEquals(150, rate(OPENED + 4000 * MILLI), 0.001);
    }

    @Test
    void ofTheLastTenSecondsAtAnyTime() {
        long made = work(OPENED, 30_000 * MILLI, 0, 3);
        work(30_000 * MILLI, 60_000 * MILLI, made, 8);
        for (long now = 45_000 * MILLI; now < 60_000 * MILLI; now += 37 * MILLI) {
            var sofar = new RecentCounts(at(OPENED, 0, 0));
            long generated = 0;
            for (long t = OPENED; t <= now; t += 10 * MILLI) {
                generated += t < 30_000 * MILLI ? 3 : 8;
                sofar.add(at(t, generated, 0));
            }
            EngineCounts base = sofar.base(now);
            assertEquals(800, sofar.newest().metrics(base, RecentCounts.window(base, now), now, 0).generatedPerSecond(), 2, "at " + now);
        }
    }

    @Test
    void fallsToZeroInPauses() {
        long made = work(OPENED, 20_000 * MILLI, 0, 5);
        assertEquals(500, rate(20_000 * MILLI), 2);
        assertEquals(250, rate(25_000 * MILLI), 15);
        assertEquals(0, rate(30_000 * MILLI));
        work(100_000 * MILLI, 101_000 * MILLI, made, 11);
        assertEquals(100, rate(101_000 * MILLI), 10); // of the last 11 seconds, where the beginning of the window is not known
    }

    @Test
    void givesEveryCountItsPlace() {
        recent.add(at(OPENED + 1000 * MILLI, 600, 200));
        var m = recent.newest().metrics(recent.base(OPENED + 2000 * MILLI), 2000 * MILLI, 2000 * MILLI, 11);
        assertEquals("EngineMetrics[running=1, paused=0, waiting=2, finishedBy=" + m.finishedBy() + ", refused=11, steps=8, "
                + "computedTokens=800, prefillTokens=200, generatedTokens=600, cachedTokens=9, preemptions=10, kvBlocks=40, "
                + "freeKvBlocks=30, cachedKvBlocks=20, batchSize=7, meanBatchSize=3.5, generatedPerSecond=300.0, "
                + "prefilledPerSecond=100.0, busy=PT0.005S, uptime=PT2S]", m.toString());
        assertEquals(Map.of(FinishReason.STOP, 3L, FinishReason.LENGTH, 4L, FinishReason.CANCELLED, 5L, FinishReason.ERROR, 6L),
                m.finishedBy());
        assertEquals(18, m.finished());
        assertEquals(10, m.usedKvBlocks());
        assertEquals(0.25, m.kvUse());
        assertEquals(Duration.ofSeconds(2), m.uptime());
    }
}
