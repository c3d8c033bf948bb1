package io.jllm.cpu;

import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/**
 * What is computed before the first request, so that it finds compiled code: one token and some of a prompt, at the start of a text and
 * far into it. Every position is in KV block 0, and the numbers are of no use.
 */
final class WarmUp {
    /** Tokens of a prompt: a whole tile, one of four, and one more. */
    private static final int PROMPT = SequenceIndex.TILE + 5;
    /** A position with a whole chunk of others before it, whose sums must be merged with those of the next. */
    private static final int FAR = AttentionTiles.CHUNK + 40;
    /** Tokens to draw from: two pieces and some more. */
    static final int VOCAB = 5000;
    /** Tokens to draw: the likeliest, and by all the common stages. */
    static final List<RowSampling> DRAWS = List.of(new Draw(SamplerSettings.GREEDY),
            new Draw(new SamplerSettings(0.8f, 40, 0.95f, 0.05f, 1.1f, 0, 0, 1, LogitBias.NONE)));
    /** Steps of one kind: two layers have so many products. */
    private static final int OF_A_KIND = 8;
    /** It ends when rounds have not become this much faster for that long, which is what a compilation may take. */
    private static final double IMPROVEMENT = 0.8;
    private static final long SETTLED_NANOS = 150_000_000;

    private final long end;
    private long improved = System.nanoTime();
    private long began = improved;
    private long best = Long.MAX_VALUE;

    /**
     * Begins.
     *
     * @param nanos when to stop at the latest
     */
    WarmUp(long nanos) {
        end = improved + nanos;
    }

    /** Whether there is no time left. */
    boolean over() {
        return System.nanoTime() - end >= 0;
    }

    /** Whether to begin another round: there is time, and the last ones were faster than those before. */
    boolean another() {
        return !over() && System.nanoTime() - improved < SETTLED_NANOS;
    }

    /** Called after each round. */
    void round() {
        long now = System.nanoTime();
        if (now - began < best * IMPROVEMENT) {
            best = now - began;
            improved = now;
        }
        began = now;
    }

    /** Steps to compute, the largest first. */
    static List<StepBatch> batches(RunnerOptions o) {
        int tokens = Math.min(PROMPT, o.maxTokensPerStep());
        int far = (int) Math.min(FAR, (long) o.maxBlocks() * o.blockSize() - 1);
        // One token is enough far into a text: as long as nothing is compiled, all that attention does takes long.
        return List.of(batch(tokens, 0, o), batch(1, 0, o), batch(1, far, o));
    }

    /** The first steps of each kind, and the last ones of all: the layers between run the same code. */
    static List<Step> some(List<Step> steps) {
        var counts = new HashMap<Class<? extends Step>, Integer>();
        var some = new ArrayList<Step>();
        for (int i = 0; i < steps.size(); i++) {
            if (counts.merge(steps.get(i).getClass(), 1, Integer::sum) <= OF_A_KIND || i >= steps.size() - OF_A_KIND) {
                some.add(steps.get(i));
            }
        }
        return some;
    }

    /** One sequence, of which so many tokens from a position on are computed. */
    private static StepBatch batch(int tokens, int position, RunnerOptions o) {
        var b = new StepBatch(tokens, 1, 1, Math.ceilDiv(position + tokens, o.blockSize()));
        for (int t = 0; t < tokens; t++) {
            b.positions[t] = position + t;
            b.kvSlots[t] = (position + t) % o.blockSize();
        }
        b.queryStart[1] = tokens;
        b.contextLength[0] = position + tokens;
        b.tokens = tokens;
        b.sequences = 1;
        b.logitRows = 1;
        return b;
    }

    /** A sequence of two tokens. */
    private record Draw(SamplerSettings settings) implements RowSampling {
        private static final int[] TOKENS = {0, 0};

        @Override
        public int slot() {
            return 0;
        }

        @Override
        public int[] tokens() {
            return TOKENS;
        }

        @Override
        public int promptLength() {
            return 1;
        }

        @Override
        public int length() {
            return TOKENS.length;
        }
    }
}
