package io.jllm.engine;

import io.jllm.TokenLogprobs;
import io.jllm.sampling.SamplerChain;
import io.jllm.spi.LogitsProcessor;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Draws the tokens of one step: on the device where it can, here for rows with an application's processor, and reads
 * log-probabilities of prompts and alternatives. A row that fails does so alone.
 */
final class StepSampler {
    private static final int[] NO_IDS = {};
    private static final float[] NO_LOGPROBS = {};

    private final ModelRunner runner;
    private final int vocab;
    private final SamplerChain chain;
    private final float[] raw;
    private final float[] row;
    private final RowSampling[] onDevice;
    private final int[] tokens;
    private final float[] logprobs;
    private final float[] one = new float[1];
    private final RuntimeException[] errors;
    private final TokenLogprobs[] results;
    private long generated;

    StepSampler(ModelRunner runner, int vocab, int maxRows) {
        this.runner = runner;
        this.vocab = vocab;
        chain = new SamplerChain(vocab);
        raw = new float[vocab];
        row = new float[vocab];
        onDevice = new RowSampling[maxRows];
        tokens = new int[maxRows];
        logprobs = new float[maxRows];
        errors = new RuntimeException[maxRows];
        results = new TokenLogprobs[maxRows];
    }

    /** Tokens drawn so far. */
    long generated() {
        return generated;
    }

    /** What became of a row of the last step; null if it failed. */
    TokenLogprobs token(int r) {
        return results[r];
    }

    /** Why a row failed; null if it did not. */
    RuntimeException error(int r) {
        return errors[r];
    }

    void sample(int rows, Scheduler scheduler) {
        Arrays.fill(errors, 0, rows, null);
        Arrays.fill(results, 0, rows, null);
        int drawn = 0;
        for (int r = 0; r < rows; r++) {
            Sequence s = scheduler.rowSequence(r);
            onDevice[r] = null;
            if (scheduler.rowPosition(r) < s.length() - 1) {
                scorePrompt(r, s, scheduler.rowPosition(r));
            } else {
                generated++;
                drawn += prepare(r, s);
            }
        }
        if (drawn > 0) {
            sampleOnDevice(rows);
        }
        for (int r = 0; r < rows; r++) {
            if (results[r] == null && errors[r] == null) {
                results[r] = withAlternatives(r, tokens[r], logprobs[r], scheduler.rowSequence(r).group().params().logprobs());
            }
        }
    }

    /** Draws the row here if it has a processor; else leaves it to the device and returns 1. */
    private int prepare(int r, Sequence s) {
        try {
            LogitsProcessor processor = s.processor();
            if (processor == null && runner.samplesOnDevice(s)) {
                onDevice[r] = s;
                return 1;
            }
            readRow(r);
            System.arraycopy(raw, 0, row, 0, vocab);
            if (processor != null) {
                processor.process(s.tokens(), s.promptLength(), s.length(), row);
            }
            tokens[r] = chain.sample(row, s.settings(), s.tokens(), s.promptLength(), s.length(), one, 0);
            logprobs[r] = (float) (raw[tokens[r]] - chain.logSumExp(raw));
        } catch (Throwable t) {
            errors[r] = asRuntime(t);
        }
        return 0;
    }

    private void sampleOnDevice(int rows) {
        try {
            runner.sample(onDevice, rows, tokens, logprobs);
        } catch (Throwable all) {
            var alone = new RowSampling[rows];
            for (int r = 0; r < rows; r++) {
                if (onDevice[r] != null) {
                    alone[r] = onDevice[r];
                    try {
                        runner.sample(alone, rows, tokens, logprobs);
                    } catch (Throwable t) {
                        errors[r] = asRuntime(t);
                    }
                    alone[r] = null;
                }
            }
        }
    }

    private void scorePrompt(int r, Sequence s, int position) {
        try {
            readRow(r);
            int next = s.tokens()[position + 1];
            float logprob = (float) (raw[next] - chain.logSumExp(raw));
            results[r] = withAlternatives(r, next, logprob, s.group().params().promptLogprobs().orElse(0));
        } catch (Throwable t) {
            errors[r] = asRuntime(t);
        }
    }

    private TokenLogprobs withAlternatives(int r, int token, float logprob, int wanted) {
        int k = Math.min(wanted, vocab);
        if (k == 0) {
            return new TokenLogprobs(token, logprob, NO_IDS, NO_LOGPROBS);
        }
        int[] ids = new int[k];
        float[] top = new float[k];
        runner.topK(new int[] {r}, k, ids, top);
        return new TokenLogprobs(token, logprob, ids, top);
    }

    private void readRow(int r) {
        MemorySegment.copy(runner.logits(), ValueLayout.JAVA_FLOAT, (long) r * vocab * Float.BYTES, raw, 0, vocab);
    }

    /** An error as a request's result may hold it. */
    static RuntimeException asRuntime(Throwable t) {
        return t instanceof RuntimeException r ? r : new IllegalStateException("computing failed: " + t, t);
    }
}
