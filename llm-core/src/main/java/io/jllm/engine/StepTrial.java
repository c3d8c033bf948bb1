package io.jllm.engine;

import io.jllm.engine.schedule.SchedulerLimits;
import io.jllm.engine.sequence.Clock;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import java.util.function.LongSupplier;

/**
 * Finds by measurement how many tokens steps should have in which sequences generate: who generates waits for the prompts in a step, and the more of
 * them, the fewer steps there are. Twice as many are better as long as the step is short all the same, or does much more in its time.
 */
final class StepTrial {
    /** A step is short that takes no longer, in nanoseconds: texts then still come faster than anybody reads. */
    private static final long SHORT = 60_000_000;
    /** How many times as many tokens a second a longer step must do. */
    private static final double GAIN = 1.1;
    /** A step of all tokens is tried at once where it would be no longer than so many short ones, if its tokens took as long as those of a small. */
    private static final int PROMISING = 2;
    private static final int FIRST = 256;
    /** Tokens of a sequence, if there may be so many. */
    private static final int PROMPT = 512;
    /** Neighbouring ids are this far apart, so that tokens of all kinds are there. */
    private static final int STRIDE = 7919;

    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final ModelRunner runner;
    private final int vocab;
    private final int maxContext;
    private final SchedulerLimits limits;
    private final LongSupplier clock;

    private StepTrial(ModelRunner runner, int vocab, int maxContext, SchedulerLimits limits, LongSupplier clock) {
        this.runner = runner;
        this.vocab = vocab;
        this.maxContext = maxContext;
        this.limits = limits;
        this.clock = clock;
    }

    /**
     * The limits with what was found. The runner must not hold anything yet: its first KV blocks are written, and are nobody's afterwards. A runner
     * that fails leaves the limits as they are.
     *
     * @param maxContext most positions of a sequence
     */
    static SchedulerLimits of(ModelRunner runner, int vocab, int maxContext, SchedulerLimits limits) {
        return of(runner, vocab, maxContext, limits, Clock::nanos);
    }

    /** The same by another clock. */
    static SchedulerLimits of(ModelRunner runner, int vocab, int maxContext, SchedulerLimits limits, LongSupplier clock) {
        try {
            int most = (int) Math.min(limits.maxTokens(), (long) limits.maxSequences() * maxContext);
            int tokens = new StepTrial(runner, vocab, maxContext, limits, clock).best(most);
            return limits.mixed(tokens == most ? limits.maxTokens() : tokens);
        } catch (RuntimeException e) { // whatever it is, it is said to whoever asks first
            LOG.log(System.Logger.Level.DEBUG, "steps were not measured", e);
            return limits;
        }
    }

    private int best(int most) {
        int tokens = Math.min(FIRST, most);
        if (tokens == most) {
            return most;
        }
        nanos(tokens); // warms up
        long took = nanos(tokens);
        if ((double) took * most / tokens <= PROMISING * SHORT && nanos(most) <= SHORT) {
            return most; // then smaller ones are short too
        }
        while (tokens < most) {
            int more = Math.min(2 * tokens, most);
            long longer = nanos(more);
            if (!better(tokens, took, more, longer)) {
                longer = Math.min(longer, nanos(more)); // unless something came between
                if (!better(tokens, took, more, longer)) {
                    break;
                }
            }
            tokens = more;
            took = longer;
        }
        LOG.log(System.Logger.Level.DEBUG, "a step of {0} tokens takes {1} us", tokens, took / 1000);
        return tokens;
    }

    private static boolean better(int tokens, long took, int more, long longer) {
        return longer <= SHORT || (double) more / longer >= GAIN * tokens / took;
    }

    /** How long a step of prompts takes. All sequences have the same blocks: what stands in them in the end does not matter. */
    private long nanos(int tokens) {
        int length = Math.max(Math.min(PROMPT, maxContext), Math.ceilDiv(tokens, limits.maxSequences()));
        int blocks = Math.min(runner.blocks(), Math.ceilDiv(length, limits.blockSize()));
        var batch = new StepBatch(tokens, limits.maxSequences(), 1, Math.ceilDiv(length, limits.blockSize()));
        for (int t = 0; t < tokens; t++) {
            int position = t % length;
            if (position == 0) {
                int s = batch.sequences++;
                batch.queryStart[s] = t;
                batch.contextLength[s] = Math.min(length, tokens - t);
                batch.sequenceSlot[s] = s;
                for (int i = 0; i < batch.maxBlocks; i++) {
                    batch.blockTable[s * batch.maxBlocks + i] = i % blocks;
                }
            }
            batch.tokenIds[t] = (int) ((long) t * STRIDE % vocab);
            batch.positions[t] = position;
            batch.kvSlots[t] = position / limits.blockSize() % blocks * limits.blockSize() + position % limits.blockSize();
        }
        batch.queryStart[batch.sequences] = tokens;
        batch.logitRow[0] = tokens - 1;
        batch.tokens = tokens;
        batch.logitRows = 1;
        long began = clock.getAsLong();
        runner.forward(batch);
        runner.topK(new int[] {0}, 1, new int[1], new float[1]); // waits for the step
        return Math.max(1, clock.getAsLong() - began);
    }
}
