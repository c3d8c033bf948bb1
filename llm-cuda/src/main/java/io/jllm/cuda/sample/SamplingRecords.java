package io.jllm.cuda.sample;

import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.RowSampling;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Writes how to draw from a row as the kernels read it; the README beside the kernels has the layout. */
final class SamplingRecords {
    /** Bytes of a record, and of a result. */
    static final int RECORD_BYTES = 80;
    static final int RESULT_BYTES = 16;
    /** Flags of a row that is only searched for its highest logit. */
    static final int GREEDY = 4;
    private static final int PENALTIES = 1;
    private static final int BIAS = 2;

    private SamplingRecords() {
    }

    /** The flags of some settings. */
    static int flags(SamplerSettings s) {
        return (s.hasPenalties() ? PENALTIES : 0) | (s.bias().isEmpty() ? 0 : BIAS) | (s.picksHighest() ? GREEDY : 0);
    }

    /**
     * Writes one.
     *
     * @param to where it goes
     * @param row of logits
     * @param counts of its slot on the device; 0 without penalties
     * @param lists where {@link #writeLists} has put its bias, on the device
     */
    static void write(MemorySegment to, int row, RowSampling sampling, long counts, long lists) {
        SamplerSettings s = sampling.settings();
        to.set(ValueLayout.JAVA_INT, 0, row);
        to.set(ValueLayout.JAVA_INT, 4, flags(s));
        to.set(ValueLayout.JAVA_FLOAT, 8, s.temperature());
        to.set(ValueLayout.JAVA_INT, 12, s.topK());
        to.set(ValueLayout.JAVA_FLOAT, 16, s.topP());
        to.set(ValueLayout.JAVA_FLOAT, 20, s.minP());
        to.set(ValueLayout.JAVA_FLOAT, 24, s.repetitionPenalty());
        to.set(ValueLayout.JAVA_FLOAT, 28, s.presencePenalty());
        to.set(ValueLayout.JAVA_FLOAT, 32, s.frequencyPenalty());
        to.set(ValueLayout.JAVA_INT, 36, s.bias().ids().length);
        to.set(ValueLayout.JAVA_LONG, 40, s.seed());
        to.set(ValueLayout.JAVA_INT, 48, sampling.length());
        to.set(ValueLayout.JAVA_INT, 52, s.bias().allowed().length);
        to.set(ValueLayout.JAVA_LONG, 56, counts);
        to.set(ValueLayout.JAVA_LONG, 64, lists);
        to.set(ValueLayout.JAVA_LONG, 72, 0);
    }

    /** Numbers of 32 bits that a bias takes. */
    static int listInts(LogitBias b) {
        return 2 * b.ids().length + b.allowed().length;
    }

    /** Writes ids, what is added to their logits, and the only ids allowed. */
    static void writeLists(MemorySegment to, LogitBias b) {
        int n = b.ids().length;
        MemorySegment.copy(b.ids(), 0, to, ValueLayout.JAVA_INT, 0, n);
        MemorySegment.copy(b.values(), 0, to, ValueLayout.JAVA_FLOAT, (long) Integer.BYTES * n, n);
        MemorySegment.copy(b.allowed(), 0, to, ValueLayout.JAVA_INT, 2L * Integer.BYTES * n, b.allowed().length);
    }

    /**
     * Checks what kernels take for granted.
     *
     * @throws IllegalArgumentException if a token that is penalised, biased or allowed is outside the vocabulary
     */
    static void check(RowSampling row, int vocab) {
        SamplerSettings s = row.settings();
        if (s.hasPenalties()) {
            for (int i = 0; i < row.length(); i++) {
                check("penalties", row.tokens()[i], vocab);
            }
        }
        for (int id : s.bias().ids()) {
            check("logit bias", id, vocab);
        }
        for (int id : s.bias().allowed()) {
            check("allowed tokens", id, vocab);
        }
    }

    private static void check(String what, int id, int vocab) {
        if (id < 0 || id >= vocab) {
            throw new IllegalArgumentException(what + ": token " + id + " is outside the vocabulary of " + vocab + " tokens (0 to " + (vocab - 1)
                    + ")");
        }
    }
}
