package io.jllm.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The chain against {@link PlainSampler}, on random cases of every setting. */
class SamplerReferenceTest {
    private final Random random = new Random(20);

    @Test
    void smallCasesOfEverySetting() {
        int checked = 0;
        for (int n = 0; n < 30_000; n++) {
            checked += check(1 + random.nextInt(40)) ? 1 : 0;
        }
        assertTrue(checked > 25_000, "only " + checked + " cases were not close to a limit");
    }

    @Test
    void largerVocabulariesReachEveryPathOfTheSelection() {
        int checked = 0;
        for (int n = 0; n < 150; n++) {
            checked += check(2000 + random.nextInt(3000)) ? 1 : 0;
        }
        assertTrue(checked > 120, "only " + checked + " cases were not close to a limit");
    }

    private boolean check(int vocab) {
        float[] row = row(vocab);
        float[] before = row.clone();
        int length = random.nextInt(12);
        int promptLength = random.nextInt(length + 1);
        int[] tokens = random.ints(length + 2, 0, vocab).toArray();
        SamplerSettings settings = settings(vocab);
        boolean possible = settings.bias().allowed().length == 0
                || Arrays.stream(settings.bias().allowed()).anyMatch(id -> !banned(id, row, settings.bias()));
        if (!possible || IntStream.range(0, vocab).allMatch(id -> banned(id, row, settings.bias()))) {
            return false;
        }
        var plain = new PlainSampler();
        int want = plain.sample(row, settings, tokens, promptLength, length, new Philox().uniform(settings.seed(), length));
        float[] logprob = new float[3];
        int got = new SamplerChain(vocab).sample(row, settings, tokens, promptLength, length, logprob, 1);
        assertArrayEquals(before, row, "the row was changed");
        if (!plain.close) {
            assertEquals(want, got, () -> settings + " keeps " + plain.kept);
        }
        assertEquals(before[got] - PlainSampler.logSumExp(before), logprob[1], 1e-5 * Math.max(1, Math.abs(logprob[1])));
        assertEquals(0, logprob[0]);
        assertEquals(0, logprob[2]);
        return !plain.close;
    }

    private static boolean banned(int id, float[] row, LogitBias bias) {
        boolean banned = row[id] == Float.NEGATIVE_INFINITY;
        for (int i = 0; i < bias.ids().length; i++) {
            banned |= bias.ids()[i] == id && bias.values()[i] == Float.NEGATIVE_INFINITY;
        }
        return banned;
    }

    private float[] row(int vocab) {
        var row = new float[vocab];
        int kind = random.nextInt(6);
        for (int i = 0; i < vocab; i++) {
            row[i] = switch (kind) {
                case 0 -> random.nextInt(5) - 2; // many ties, zeros among them
                case 1 -> random.nextInt(10) == 0 ? Float.NEGATIVE_INFINITY : (float) random.nextGaussian();
                case 2 -> 1 + random.nextInt(100) * 0x1p-23f; // equal but for the last bits
                case 3 -> random.nextBoolean() ? -0f : 0f;
                case 4 -> (float) random.nextGaussian() * 30;
                default -> (float) random.nextGaussian() * 3;
            };
        }
        if (kind == 1) {
            row[random.nextInt(vocab)] = 0.5f;
        }
        return row;
    }

    private SamplerSettings settings(int vocab) {
        float[] temperatures = {0, 0.3f, 0.7f, 1, 2};
        var bias = LogitBias.NONE;
        if (random.nextInt(3) == 0) {
            int n = random.nextInt(5);
            var values = new float[n];
            for (int i = 0; i < n; i++) {
                values[i] = random.nextInt(4) == 0 ? Float.NEGATIVE_INFINITY : (float) random.nextGaussian() * 4;
            }
            int[] allowed = random.ints(random.nextBoolean() ? 0 : random.nextInt(8), 0, vocab).toArray();
            bias = new LogitBias(random.ints(n, 0, vocab).toArray(), values, allowed);
        }
        boolean penalties = random.nextInt(3) == 0;
        return new SamplerSettings(temperatures[random.nextInt(temperatures.length)],
                random.nextBoolean() ? 0 : 1 + random.nextInt(vocab + 3),
                random.nextBoolean() ? 1 : random.nextInt(8) == 0 ? 0 : random.nextFloat(),
                random.nextBoolean() ? 0 : random.nextInt(8) == 0 ? 1 : random.nextFloat(),
                penalties ? 0.5f + random.nextFloat() : 1, penalties ? random.nextFloat() * 4 - 2 : 0,
                penalties ? random.nextFloat() * 4 - 2 : 0, random.nextLong(), bias);
    }

    @Test
    void topK() {
        for (int n = 0; n < 3000; n++) {
            int vocab = 1 + random.nextInt(50);
            float[] row = row(vocab);
            int k = random.nextInt(PlainSampler.sorted(row).size() + 1);
            var ids = new int[k + 2];
            var logprobs = new float[k + 2];
            new SamplerChain(vocab).topK(row, k, ids, logprobs, 1);
            var want = PlainSampler.sorted(row);
            double sum = PlainSampler.logSumExp(row);
            for (int i = 0; i < k; i++) {
                assertEquals(want.get(i), ids[i + 1]);
                assertEquals(row[ids[i + 1]] - sum, logprobs[i + 1], 1e-5 * Math.max(1, Math.abs(sum)));
            }
            assertEquals(0, ids[0] + ids[k + 1]);
        }
    }

    @Test
    void cutoffOfCountsAtEveryK() {
        var cutoff = new Cutoff();
        float[] row = new float[700];
        for (int i = 0; i < row.length; i++) {
            row[i] = i % 3 == 0 ? random.nextInt(4) - 2 : (float) random.nextGaussian();
        }
        var ones = new double[row.length];
        Arrays.fill(ones, 1);
        var order = PlainSampler.sorted(row);
        for (int k = 1; k <= row.length; k++) {
            cutoff.find(row, ones, row.length, k);
            assertEquals(order.get(k - 1), cutoff.last());
            assertEquals(row[order.get(k - 1)], cutoff.lowest());
            assertEquals(cutoff.last(), new TopTokens().select(row, row.length, k));
        }
    }
}
