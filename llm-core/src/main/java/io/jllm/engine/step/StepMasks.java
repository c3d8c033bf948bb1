package io.jllm.engine.step;

import io.jllm.constraint.TokenMask;
import io.jllm.engine.schedule.StepRows;
import io.jllm.engine.sequence.Failures;
import io.jllm.engine.sequence.Sequence;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Which tokens the constraints of a step's sequences allow. They are found while the forward pass runs, on another thread; what that has not
 * begun when they are needed the engine finds itself.
 */
final class StepMasks {
    private static final FutureTask<Boolean> NOTHING = new FutureTask<>(() -> true);

    private final int vocab;
    private final long[][] bits;
    private final RuntimeException[] errors;
    private FutureTask<Boolean> work = NOTHING;

    StepMasks(int vocab, int maxRows) {
        this.vocab = vocab;
        bits = new long[maxRows][];
        errors = new RuntimeException[maxRows];
    }

    /** Begins with the rows of a step; {@link #finish} must come before they change. */
    void begin(StepRows step) {
        boolean any = false;
        for (int r = 0; r < step.count() && !any; r++) {
            any = step.sequence(r).mask() != null;
        }
        work = NOTHING;
        if (any) {
            work = new FutureTask<>(() -> fill(step), true);
            Thread.ofVirtual().name("jllm-masks").start(work);
        }
    }

    /** Waits until all is found. */
    void finish() {
        boolean interrupted = false;
        work.run(); // does nothing where another thread has begun
        for (boolean done = false; !done;) {
            try {
                done = work.get();
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (ExecutionException e) {
                throw Failures.asRuntime(e.getCause());
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void fill(StepRows step) {
        for (int r = 0; r < step.count(); r++) {
            Sequence s = step.sequence(r);
            errors[r] = null;
            if (s.mask() != null && !step.scores(r)) {
                try {
                    fill(r, s);
                } catch (Throwable t) {
                    errors[r] = Failures.asRuntime(t); // an application's automaton may have thrown it
                }
            }
        }
    }

    private void fill(int r, Sequence s) {
        if (bits[r] == null) {
            bits[r] = new long[Math.ceilDiv(vocab, Long.SIZE)];
        }
        TokenMask mask = s.mask();
        mask.allowed(bits[r], s.left());
        ends(r, s, mask.mayEnd());
        if (Arrays.stream(bits[r]).noneMatch(w -> w != 0)) { // only an end was in time, and no token ends this request's text
            mask.allowed(bits[r]);
            ends(r, s, mask.mayEnd());
        }
    }

    private void ends(int r, Sequence s, boolean mayEnd) {
        for (int end : s.ends()) {
            if (end < vocab && mayEnd) {
                bits[r][end / Long.SIZE] |= 1L << end;
            } else if (end < vocab) {
                bits[r][end / Long.SIZE] &= ~(1L << end);
            }
        }
    }

    /**
     * What a row's sequence may go on with, by a bit each.
     *
     * @throws RuntimeException what an application's automaton threw, and {@link IllegalStateException} if nothing is left
     */
    long[] allowed(int r) {
        if (errors[r] != null) {
            throw errors[r];
        }
        if (Arrays.stream(bits[r]).allMatch(word -> word == 0)) {
            throw new IllegalStateException("no token of the vocabulary can go on with the text as its constraint says");
        }
        return bits[r];
    }

    /**
     * Bans what a row's sequence may not go on with.
     *
     * @param row logits or log-probabilities, changed in place
     * @throws RuntimeException as {@link #allowed}
     */
    void apply(int r, float[] row) {
        long[] allowed = allowed(r);
        for (int w = 0; w < allowed.length; w++) {
            int first = w * Long.SIZE;
            int last = Math.min(first + Long.SIZE, vocab);
            long word = allowed[w];
            if (word == 0) {
                Arrays.fill(row, first, last, Float.NEGATIVE_INFINITY);
            } else if (word != -1) {
                for (int id = first; id < last; id++, word >>>= 1) {
                    row[id] = (word & 1) == 0 ? Float.NEGATIVE_INFINITY : row[id];
                }
            }
        }
    }
}
