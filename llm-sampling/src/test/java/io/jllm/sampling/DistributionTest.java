package io.jllm.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Picks follow the probabilities: chi-square tests over seeds and over positions. */
class DistributionTest {
    private static final int DRAWS = 40_000;

    @Test
    void overSeedsAndOverPositions() {
        var random = new Random(5);
        for (var s : new SamplerSettings[] {settings(1, 0, 1, 0), settings(0.7f, 0, 0.8f, 0), settings(1.5f, 12, 1, 0),
            settings(1, 0, 1, 0.1f), settings(2, 20, 0.9f, 0.05f)}) {
            var row = new float[30];
            for (int i = 0; i < row.length; i++) {
                row[i] = (float) random.nextGaussian();
            }
            check(row, s, true);
            check(row, s, false);
        }
    }

    private static SamplerSettings settings(float temperature, int topK, float topP, float minP) {
        return new SamplerSettings(temperature, topK, topP, minP, 1, 0, 0, 11, LogitBias.NONE);
    }

    private static void check(float[] row, SamplerSettings s, boolean overSeeds) {
        var plain = new PlainSampler();
        plain.sample(row, s, new int[0], 0, 0, 0.5);
        assertTrue(plain.kept.size() > 5, "too few tokens to say anything: " + plain.kept);
        double total = 0;
        for (int id : plain.kept) {
            total += Math.exp(row[id] / s.temperature());
        }
        var chain = new SamplerChain(row.length);
        var counts = new int[row.length];
        var tokens = new int[DRAWS];
        for (int n = 0; n < DRAWS; n++) {
            var draw = overSeeds ? new SamplerSettings(s.temperature(), s.topK(), s.topP(), s.minP(), 1, 0, 0, n, s.bias()) : s;
            counts[chain.sample(row, draw, tokens, 0, overSeeds ? 5 : n, new float[1], 0)]++;
        }
        double chi = 0;
        int seen = 0;
        for (int id : plain.kept) {
            double expected = DRAWS * Math.exp(row[id] / s.temperature()) / total;
            chi += (counts[id] - expected) * (counts[id] - expected) / expected;
            seen += counts[id];
        }
        assertEquals(DRAWS, seen, "tokens outside " + plain.kept + " were picked");
        int freedom = plain.kept.size() - 1;
        // Mean and deviation of the chi-square distribution; four deviations above the mean is a chance of about 1 in 1000.
        assertTrue(chi < freedom + 4 * Math.sqrt(2.0 * freedom), "chi-square " + chi + " with " + freedom + " degrees of freedom");
    }
}
