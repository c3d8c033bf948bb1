package io.jllm.spi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerSettings;
import java.util.Arrays;

/** What a runner that overlaps must do: steps whose tokens it takes from drawings that nobody has read are those whose tokens it is given. */
public final class DrawnTokens {
    private static final int LENGTH = 40;
    private static final int BLOCK = 4;
    private static final int BLOCKS = 60;

    private DrawnTokens() {
    }

    private record Row(SamplerSettings settings, int slot, int[] tokens, int promptLength, int length) implements RowSampling {
    }

    /** A drawing, and what it must give. */
    private record Expected(Drawing drawing, int[] tokens, float[] logprobs) {
        void check() {
            var got = new int[tokens.length];
            var gotLogprobs = new float[tokens.length];
            var errors = new RuntimeException[tokens.length];
            drawing.finish(got, gotLogprobs, errors);
            assertArrayEquals(tokens, got);
            assertArrayEquals(logprobs, gotLogprobs);
            assertArrayEquals(new RuntimeException[tokens.length], errors);
        }
    }

    /** Steps of two sequences that say one token after the other, beside a third whose tokens are known. */
    public static void check(ModelRunner late, ModelRunner plain, int vocab) {
        var sequences = new PagedSequences(3, BLOCK, BLOCKS, LENGTH, vocab, 2);
        var said = new int[2];
        var rowOf = new int[2];
        var before = new Expected(Drawing.NOTHING, new int[0], new float[0]);
        for (int[] counts : new int[][] {{5, 7, 3}, {1, 1, 1}, {1, 1, 4}, {1, 1, 1}, {1, 1, 1}, {1, 1, 17}, {1, 1, 0}, {1, 1, 0}, {1, 1, 2}}) {
            StepBatch b = sequences.next(counts);
            boolean drawn = counts[0] == 1;
            for (int s = 0; drawn && s < 2; s++) {
                b.tokenIds[b.queryStart[s]] = StepBatch.drawn(rowOf[s]);
            }
            late.forward(b);
            for (int s = 0; drawn && s < 2; s++) {
                b.tokenIds[b.queryStart[s]] = said[s];
            }
            plain.forward(b);
            var rows = new RowSampling[b.logitRows];
            for (int s = 0; s < 2; s++) {
                rowOf[s] = b.queryStart[s + 1] - 1;
                var settings = s == 0 ? SamplerSettings.GREEDY : new SamplerSettings(0.9f, 0, 0.95f, 0, 1, 0, 0, 7, LogitBias.NONE);
                rows[rowOf[s]] = new Row(settings, s, new int[LENGTH], 1, b.contextLength[s]);
            }
            var now = new Expected(late.startSample(rows, rows.length), new int[rows.length], new float[rows.length]);
            plain.sample(rows, rows.length, now.tokens, now.logprobs);
            Arrays.setAll(said, s -> now.tokens[rowOf[s]]);
            before.check();
            before = now;
        }
        before.check();
    }
}
