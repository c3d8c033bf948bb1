package io.jllm.engine.step;

import io.jllm.LogitsProcessor;
import io.jllm.SamplingParams;
import io.jllm.TokenLogprobs;
import io.jllm.engine.schedule.PlannedStep;
import io.jllm.engine.schedule.StepRows;
import io.jllm.engine.sequence.EmbeddingUnit;
import io.jllm.engine.sequence.Failures;
import io.jllm.engine.sequence.SampledUnit;
import io.jllm.engine.sequence.SchedulingUnit;
import io.jllm.engine.sequence.Sequence;
import io.jllm.engine.sequence.SequenceGroup;
import io.jllm.sampling.SamplerChain;
import io.jllm.spi.Drawing;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * Draws the tokens of sampled sequences in one step: on the device where it can, here for rows with an application's processor, and reads
 * log-probabilities of prompts, tokens known ahead and alternatives. A row that fails does so alone.
 */
final class StepSampler {
    private final ModelRunner runner;
    private final int vocab;
    private final SamplerChain chain;
    private final Alternatives alternatives;
    private final StepMasks masks;
    private final float[] raw;
    private final float[] row;
    private final RowSampling[] onDevice;
    private final int[] tokens;
    private final float[] logprobs;
    private final RuntimeException[] errors;
    private final TokenLogprobs[] results;

    StepSampler(ModelRunner runner, int vocab, int maxRows, StepMasks masks) {
        this.masks = masks;
        this.runner = runner;
        this.vocab = vocab;
        chain = new SamplerChain(vocab);
        alternatives = new Alternatives(runner, vocab);
        raw = new float[vocab];
        row = new float[vocab];
        onDevice = new RowSampling[maxRows];
        tokens = new int[maxRows];
        logprobs = new float[maxRows];
        errors = new RuntimeException[maxRows];
        results = new TokenLogprobs[maxRows];
    }

    /** What became of a row of the last step; null if it failed or is a beam's. */
    TokenLogprobs token(int r) {
        return results[r];
    }

    /** Why a row failed; null if it did not. */
    RuntimeException error(int r) {
        return errors[r];
    }

    /**
     * Begins to draw from the rows of the last forward pass, if the device can do it for all of them and nobody looks at what else is in them; empty
     * if not.
     */
    Optional<Drawing> draw(PlannedStep planned) {
        StepRows step = planned.rows();
        int rows = step.count();
        int begun = 0;
        try {
            if (!runner.overlaps() || !drawsAll(planned)) {
                return Optional.empty();
            }
            for (int r = 0; r < rows; r++) {
                Sequence s = step.sequence(r);
                onDevice[r] = new PendingRow(s, s.settings(), s.length() + s.pending());
                s.pend(r);
                begun++;
            }
            return Optional.of(rows == 0 ? Drawing.NOTHING : runner.startSample(onDevice, rows));
        } catch (Throwable t) {
            while (begun > 0) {
                step.sequence(--begun).unpend();
            }
            return Optional.empty(); // drawn later, one by one if it must be, so that a failure is that of as few as can be
        }
    }

    private boolean drawsAll(PlannedStep planned) {
        for (SchedulingUnit u : planned.units()) {
            if (!(u instanceof SampledUnit s) || s.branches()) {
                return false; // beams branch off after steps without rows, too
            }
        }
        StepRows step = planned.rows();
        for (int r = 0; r < step.count(); r++) {
            Sequence s = step.sequence(r);
            SamplingParams params = s.group().params();
            boolean plain = s.mask() == null && params.logitsProcessor().isEmpty() && params.logprobs() == 0;
            if (step.scores(r) || !plain || !runner.samplesOnDevice(s)) {
                return false;
            }
        }
        return true;
    }

    /** Waits for what was drawn from the rows of a step. */
    void finish(StepRows step, Drawing drawing) {
        int rows = step.count();
        Arrays.fill(errors, 0, rows, null);
        Arrays.fill(results, 0, rows, null);
        try {
            drawing.finish(tokens, logprobs, errors);
        } catch (Throwable t) {
            Arrays.fill(errors, 0, rows, Failures.asRuntime(t));
        }
        for (int r = 0; r < rows; r++) {
            SequenceGroup g = step.sequence(r).group();
            if (!g.done() && errors[r] == null) {
                finish(r, g);
            }
        }
    }

    /** Draws from the rows of the last forward pass, but for those of beams. */
    void sample(StepRows step) {
        int rows = step.count();
        Arrays.fill(errors, 0, rows, null);
        Arrays.fill(results, 0, rows, null);
        int drawn = 0;
        for (int r = 0; r < rows; r++) {
            Sequence s = step.sequence(r);
            onDevice[r] = null;
            if (s.group().done() || s.unit() instanceof EmbeddingUnit) {
                continue; // it failed when its sequences branched off, or nothing is drawn from it
            }
            if (step.scores(r)) {
                score(r, s, step.position(r));
            } else {
                drawn += s.unit() instanceof SampledUnit ? prepare(r, s) : 0;
            }
        }
        if (drawn > 0) {
            sampleOnDevice(rows);
        }
        for (int r = 0; r < rows; r++) {
            SchedulingUnit u = step.sequence(r).unit();
            if (u instanceof SampledUnit && !u.group().done() && results[r] == null && errors[r] == null) {
                finish(r, u.group());
            }
        }
    }

    private void finish(int r, SequenceGroup g) {
        try {
            results[r] = alternatives.of(r, tokens[r], logprobs[r], g.params().logprobs());
        } catch (Throwable t) {
            errors[r] = Failures.asRuntime(t);
        }
    }

    /** Leaves the row to the device and returns 1, if it has no processor and the device can draw it; else draws it here. */
    private int prepare(int r, Sequence s) {
        try {
            LogitsProcessor processor = s.processor();
            RowSampling asked = s.mask() == null ? s : new MaskedRow(s, masks.allowed(r));
            if (processor == null && runner.samplesOnDevice(asked)) {
                onDevice[r] = asked;
                return 1;
            }
            readRow(r);
            System.arraycopy(raw, 0, row, 0, vocab);
            if (s.mask() != null) {
                masks.apply(r, row);
            }
            if (processor != null) {
                processor.process(s.tokens(), s.promptLength(), s.length(), row);
            }
            tokens[r] = chain.pick(row, s.settings(), s.tokens(), s.promptLength(), s.length());
            logprobs[r] = (float) (raw[tokens[r]] - chain.logSumExp(raw));
        } catch (Throwable t) {
            errors[r] = Failures.asRuntime(t);
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
                        errors[r] = Failures.asRuntime(t);
                    }
                    alone[r] = null;
                }
            }
        }
    }

    /** How likely a token is that is known already: one of the prompt, or one that could not be another. */
    private void score(int r, Sequence s, int position) {
        try {
            readRow(r);
            int next = s.tokens()[position + 1];
            boolean ofPrompt = position + 1 < s.promptLength();
            if (!ofPrompt && !(raw[next] > Float.NEGATIVE_INFINITY)) {
                throw new IllegalStateException("token " + next + ", which alone may come next, cannot be picked: its logit is " + raw[next]);
            }
            float logprob = (float) (raw[next] - chain.logSumExp(raw));
            SamplingParams params = s.group().params();
            results[r] = alternatives.of(r, next, logprob, ofPrompt ? params.promptLogprobs().orElse(0) : params.logprobs());
        } catch (Throwable t) {
            errors[r] = Failures.asRuntime(t);
        }
    }

    private void readRow(int r) {
        MemorySegment.copy(runner.logits(), ValueLayout.JAVA_FLOAT, (long) r * vocab * Float.BYTES, raw, 0, vocab);
    }
}
