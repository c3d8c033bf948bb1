package io.jllm.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SamplerChainTest {
    private static final int[] NO_TOKENS = new int[0];
    private static final float INF = Float.POSITIVE_INFINITY;

    private static SamplerSettings settings(float temperature, int topK, float topP, float minP, long seed) {
        return new SamplerSettings(temperature, topK, topP, minP, 1, 0, 0, seed, LogitBias.NONE);
    }

    private static SamplerSettings biased(float temperature, LogitBias bias) {
        return new SamplerSettings(temperature, 0, 1, 0, 1, 0, 0, 7, bias);
    }

    private static int sample(float[] row, SamplerSettings settings) {
        return new SamplerChain(row.length).sample(row, settings, NO_TOKENS, 0, 0, new float[1], 0);
    }

    @Test
    void greedyTakesTheLowestIdAmongEquals() {
        assertEquals(1, sample(new float[] {-1, 3, 2, 3}, SamplerSettings.GREEDY));
        assertEquals(0, sample(new float[] {-0f, 0f, -1}, SamplerSettings.GREEDY));
        assertEquals(0, sample(new float[] {0f, -0f}, biased(0, new LogitBias(new int[] {0}, new float[] {0}, NO_TOKENS))));
    }

    /** What is left after a top-p of 0 is what a temperature of 0 takes, however hot it is and whatever else is set. */
    @Test
    void aTopPOfZeroLeavesTheLikeliestAlone() {
        for (int seed = 0; seed < 200; seed++) {
            assertEquals(1, sample(new float[] {2.9f, 3, 2, 3}, settings(100, 0, 0, 0, seed)));
            assertEquals(1, sample(new float[] {2.9f, 3, 2, 3}, settings(100, 3, 0, 1, seed)));
            assertEquals(2, sample(new float[] {0, 1, Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY}, settings(1, 0, 0, 0, seed)));
            var biased = new SamplerSettings(2, 0, 0, 0, 1, 0, 0, seed, new LogitBias(new int[] {1}, new float[] {-9}, NO_TOKENS));
            assertEquals(3, sample(new float[] {2.9f, 3, 2, 3}, biased));
        }
    }

    @Test
    void penaltiesCountAsVllmDoes() {
        // Prompt 0 0 1, output 2 2 3: repetition for all once, presence and frequency for 2 and 3.
        var penalties = new Penalties(5);
        float[] row = {2, -2, 2, -2, 2};
        var s = new SamplerSettings(0, 0, 1, 0, 2, 0.5f, 0.25f, 0, LogitBias.NONE);
        penalties.apply(row, s, new int[] {0, 0, 1, 2, 2, 3, 4}, 3, 6);
        assertArrayEquals(new float[] {1, -4, 1 - 1f, -4 - 0.75f, 2}, row);
        float[] again = {2, -2, 2, -2, 2};
        penalties.apply(again, s, new int[] {0, 0, 1, 2, 2, 3, 4}, 3, 6);
        assertArrayEquals(row, again, "marks were left behind");
    }

    @Test
    void aTokenOutsideTheVocabularyIsAnErrorAndLeavesNoMarks() {
        var chain = new SamplerChain(3);
        var s = new SamplerSettings(0, 0, 1, 0, 2, 0, 0, 0, LogitBias.NONE);
        float[] row = {3, 2, 1};
        var e = assertThrows(IllegalArgumentException.class, () -> chain.sample(row, s, new int[] {0, 3}, 0, 2, new float[1], 0));
        assertEquals("token 3 at position 1 is outside the vocabulary of 3 tokens, so that no penalty can be applied to it",
                e.getMessage());
        assertEquals(1, chain.sample(row, s, new int[] {0}, 0, 1, new float[1], 0));
        var bias = biased(1, new LogitBias(new int[] {0, 5}, new float[] {1, 1}, NO_TOKENS));
        e = assertThrows(IllegalArgumentException.class, () -> sample(row, bias));
        assertEquals("logit bias: token 5 is outside the vocabulary of 3 tokens (0 to 2)", e.getMessage());
        var allowed = biased(1, new LogitBias(NO_TOKENS, new float[0], new int[] {1, 3}));
        e = assertThrows(IllegalArgumentException.class, () -> sample(row, allowed));
        assertEquals("allowed tokens: token 3 is outside the vocabulary of 3 tokens (0 to 2)", e.getMessage());
    }

    @Test
    void rowsThatCannotBeSampledFrom() {
        var e = assertThrows(IllegalStateException.class, () -> sample(new float[] {1, Float.NaN}, SamplerSettings.GREEDY));
        assertTrue(e.getMessage().startsWith("the logit of token 1 is not a number"), e.getMessage());
        e = assertThrows(IllegalStateException.class, () -> sample(new float[] {-INF, -INF}, settings(1, 0, 1, 0, 0)));
        assertEquals("no token may be picked: all 2 logits are negative infinity", e.getMessage());
        var bans = new LogitBias(new int[] {0, 1}, new float[] {-INF, -INF}, NO_TOKENS);
        for (float temperature : new float[] {0, 1}) {
            e = assertThrows(IllegalStateException.class, () -> sample(new float[] {1, 2}, biased(temperature, bans)));
            assertTrue(e.getMessage().contains("none of 2 tokens"), e.getMessage());
        }
        var one = new LogitBias(new int[] {0}, new float[] {-INF}, new int[] {0});
        assertThrows(IllegalStateException.class, () -> sample(new float[] {1, 2}, biased(1, one)));
        assertThrows(IllegalStateException.class,
                () -> new SamplerChain(2).topK(new float[] {-INF, -INF}, 1, new int[1], new float[1], 0));
        assertThrows(IllegalStateException.class,
                () -> new SamplerChain(2).topK(new float[] {0, Float.NaN}, 1, new int[1], new float[1], 0));
    }

    @Test
    void positiveInfinityTakesAllProbability() {
        float[] row = {1, INF, -INF, INF};
        var chain = new SamplerChain(4);
        var logprob = new float[1];
        assertEquals(1, chain.sample(row, SamplerSettings.GREEDY, NO_TOKENS, 0, 0, logprob, 0));
        assertEquals(-Math.log(2), logprob[0], 1e-6);
        var counts = new int[4];
        for (int seed = 0; seed < 400; seed++) {
            counts[chain.sample(row, settings(0.7f, 0, 0.9f, 0.5f, seed), NO_TOKENS, 0, 0, logprob, 0)]++;
        }
        assertEquals(400, counts[1] + counts[3]);
        assertTrue(counts[1] > 150 && counts[3] > 150, Arrays.toString(counts));
        var ban = new LogitBias(new int[] {1, 3}, new float[] {-INF, -INF}, NO_TOKENS);
        assertEquals(0, chain.sample(row, biased(1, ban), NO_TOKENS, 0, 0, logprob, 0));
        assertEquals(-INF, logprob[0]);
        int[] ids = new int[3];
        float[] logprobs = new float[3];
        chain.topK(row, 3, ids, logprobs, 0);
        assertArrayEquals(new int[] {1, 3, 0}, ids);
        assertArrayEquals(new float[] {(float) -Math.log(2), (float) -Math.log(2), -INF}, logprobs, 1e-6f);
    }

    @Test
    void oneToken() {
        var chain = new SamplerChain(1);
        var logprob = new float[1];
        for (var s : new SamplerSettings[] {SamplerSettings.GREEDY, settings(1, 5, 0.1f, 1, 3), settings(1e6f, 1, 1, 0, 9)}) {
            logprob[0] = 5;
            assertEquals(0, chain.sample(new float[] {-3}, s, NO_TOKENS, 0, 0, logprob, 0));
            assertEquals(0, logprob[0]);
        }
    }

    @Test
    void extremeTemperaturesAndLogits() {
        float[] huge = {-1e30f, 1e30f, 0.99e30f, Float.MAX_VALUE / 1e9f, -Float.MAX_VALUE};
        float[] small = {0, 1, 0.5f, 0.999f, -1};
        for (float[] row : new float[][] {huge, small}) {
            int best = PlainSampler.sorted(row).getFirst();
            for (float cold : new float[] {1e-6f, Float.MIN_VALUE}) {
                assertEquals(best, sample(row, settings(cold, 0, 0.9f, 0, 5)));
                assertEquals(best, sample(row, settings(cold, 0, 1, 0, 5)));
            }
        }
        var counts = new int[5];
        for (int seed = 0; seed < 5000; seed++) {
            counts[sample(small, settings(1e6f, 0, 1, 0, seed))]++;
        }
        assertTrue(Arrays.stream(counts).allMatch(c -> c > 900 && c < 1100), Arrays.toString(counts));
        assertEquals(1e30f, new SamplerChain(5).logSumExp(new float[] {-1e30f, 1e30f, 0, 0, 0}), 1e24);
        assertEquals(Math.log(2) - 1e4, new SamplerChain(3).logSumExp(new float[] {-1e4f, -1e4f, -INF}), 1e-9);
        assertEquals(-INF, new SamplerChain(2).logSumExp(new float[] {-INF, -INF}));
        assertEquals(INF, new SamplerChain(2).logSumExp(new float[] {-INF, INF}));
        assertTrue(Double.isNaN(new SamplerChain(2).logSumExp(new float[] {Float.NaN, INF})));
    }

    @Test
    void aDrawDependsOnSeedAndPositionAlone() {
        var random = new Random(3);
        var row = new float[100];
        for (int i = 0; i < row.length; i++) {
            row[i] = (float) random.nextGaussian();
        }
        var busy = new SamplerChain(100);
        int differentSeeds = 0;
        int differentPositions = 0;
        int[] tokens = new int[50];
        for (int length = 0; length < 50; length++) {
            var s = settings(1, 0, 0.95f, 0, 42);
            int alone = new SamplerChain(100).sample(row, s, tokens, 0, length, new float[1], 0);
            busy.sample(new float[100], settings(1, 3, 0.5f, 0, random.nextLong()), tokens, 0, 9, new float[1], 0);
            assertEquals(alone, busy.sample(row, s, tokens, length / 2, length, new float[1], 0));
            differentSeeds += alone == busy.sample(row, settings(1, 0, 0.95f, 0, 43), tokens, 0, length, new float[1], 0) ? 0 : 1;
            differentPositions += alone == sample(row, s) ? 0 : 1;
        }
        assertTrue(differentSeeds > 40 && differentPositions > 40, differentSeeds + " " + differentPositions);
    }

    @Test
    void argumentsOutOfRange() {
        assertThrows(IllegalArgumentException.class, () -> new SamplerChain(0));
        var chain = new SamplerChain(3);
        var row = new float[3];
        var e = assertThrows(IllegalArgumentException.class, () -> chain.topK(row, 4, new int[4], new float[4], 0));
        assertEquals("the 4 most likely tokens of a vocabulary of 3 were asked for: ask for 0 to 3", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> chain.topK(row, -1, new int[4], new float[4], 0));
        assertThrows(IndexOutOfBoundsException.class, () -> chain.topK(row, 2, new int[2], new float[2], 1));
        assertThrows(IndexOutOfBoundsException.class, () -> chain.logSumExp(new float[2]));
        assertThrows(IndexOutOfBoundsException.class,
                () -> chain.sample(row, SamplerSettings.GREEDY, NO_TOKENS, 0, 1, new float[1], 0));
        assertThrows(IllegalArgumentException.class, () -> settings(-1, 0, 1, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> settings(Float.NaN, 0, 1, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> settings(1, -1, 1, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> settings(1, 0, -0.01f, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> settings(1, 0, 1.01f, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> settings(1, 0, Float.NaN, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> settings(1, 0, 1, 1.5f, 0));
        for (float value : new float[] {Float.NaN, INF}) {
            assertThrows(IllegalArgumentException.class, () -> new LogitBias(new int[] {1}, new float[] {value}, NO_TOKENS));
        }
        assertThrows(IllegalArgumentException.class, () -> new LogitBias(new int[] {-1}, new float[] {1}, NO_TOKENS));
        assertThrows(IllegalArgumentException.class, () -> new LogitBias(NO_TOKENS, new float[0], new int[] {-1}));
        assertThrows(IllegalArgumentException.class, () -> new LogitBias(new int[] {1}, new float[0], NO_TOKENS));
    }

    @Test
    void allocatesNothingAToken() {
        int vocab = 5000;
        var chain = new SamplerChain(vocab);
        var random = new Random(8);
        var row = new float[vocab];
        for (int i = 0; i < vocab; i++) {
            row[i] = (float) random.nextGaussian();
        }
        int[] tokens = random.ints(300, 0, vocab).toArray();
        var bias = new LogitBias(new int[] {1, 2}, new float[] {1, -INF}, random.ints(2000, 0, vocab).toArray());
        var all = new SamplerSettings[] {SamplerSettings.GREEDY, settings(1, 0, 1, 0, 1), settings(0.8f, 40, 0.95f, 0.05f, 2),
            settings(0.8f, 3000, 0.95f, 0.05f, 2), settings(0.8f, 0, 0.9f, 0, 3),
            new SamplerSettings(0.8f, 50, 0.9f, 0.1f, 1.1f, 0.5f, 0.2f, 4, bias)};
        var logprob = new float[1];
        var ids = new int[100];
        var logprobs = new float[100];
        var bean = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = 0;
        int rounds = 300;
        for (int n = -1; n < rounds; n++) {
            if (n == 0) {
                before = bean.getCurrentThreadAllocatedBytes();
            }
            for (var s : all) {
                chain.sample(row, s, tokens, 100, 300, logprob, 0);
            }
            chain.topK(row, 100, ids, logprobs, 0);
            chain.logSumExp(row);
        }
        long allocated = bean.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < rounds * 16L, allocated + " bytes in " + rounds + " rounds"); // the bean itself takes a few
    }
}
