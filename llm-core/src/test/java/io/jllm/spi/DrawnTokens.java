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
    private static final SamplerSettings PENALISED = new SamplerSettings(0, 0, 1, 0, 1.4f, 0.3f, 0.2f, 7, LogitBias.NONE);
    private static final SamplerSettings DRAWN = new SamplerSettings(0.9f, 0, 0.95f, 0, 1.2f, 0, 0, 7, LogitBias.NONE);

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
        var said = new int[2][LENGTH];
        var rowOf = new int[2];
        int steps = 0;
        var before = new Expected(Drawing.NOTHING, new int[0], new float[0]);
        for (int[] counts : new int[][] {{5, 7, 3}, {1, 1, 1}, {1, 1, 4}, {1, 1, 1}, {1, 1, 1}, {1, 1, 17}, {1, 1, 0}, {1, 1, 0}, {1, 1, 2}}) {
            StepBatch b = sequences.next(counts);
            boolean drawn = counts[0] == 1;
            for (int s = 0; drawn && s < 2; s++) {
                b.tokenIds[b.queryStart[s]] = StepBatch.drawn(rowOf[s]);
            }
            late.forward(b);
            for (int s = 0; drawn && s < 2; s++) {
                b.tokenIds[b.queryStart[s]] = said[s][b.contextLength[s] - 1];
            }
            plain.forward(b);
            var known = new RowSampling[b.logitRows];
            var unread = new RowSampling[b.logitRows];
            for (int s = 0; s < 2; s++) {
                int length = b.contextLength[s];
                for (int t = b.queryStart[s]; t < b.queryStart[s + 1]; t++) {
                    said[s][b.positions[t]] = b.tokenIds[t];
                }
                int[] tokens = Arrays.copyOf(said[s], length);
                tokens[length - 1] = drawn ? StepBatch.drawn(rowOf[s]) : tokens[length - 1];
                rowOf[s] = b.queryStart[s + 1] - 1;
                SamplerSettings settings = s > 0 ? DRAWN : steps % 3 == 2 ? SamplerSettings.GREEDY : PENALISED; // counts must catch up
                known[rowOf[s]] = new Row(settings, s, said[s].clone(), 5, length);
                unread[rowOf[s]] = new Row(settings, s, tokens, 5, length);
            }
            var now = new Expected(late.startSample(unread, unread.length), new int[known.length], new float[known.length]);
            plain.sample(known, known.length, now.tokens, now.logprobs);
            for (int s = 0; s < 2; s++) {
                said[s][b.contextLength[s]] = now.tokens[rowOf[s]];
            }
            before.check();
            before = now;
            steps++;
        }
        before.check();
    }
}
