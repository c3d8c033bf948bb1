package io.jllm.cuda.sample;

import io.jllm.cuda.kernels.DeviceStruct;
import io.jllm.cuda.kernels.SampleKernels;
import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntPredicate;

/** Writes how to draw from a row as the kernels read it, in the struct {@link SampleKernels#ROW}. */
final class SamplingRecords {
    private static final DeviceStruct STRUCT = SampleKernels.ROW;
    private static final long ROW = STRUCT.at("row");
    private static final long FLAGS = STRUCT.at("flags");
    private static final long TEMPERATURE = STRUCT.at("temperature");
    private static final long TOP_K = STRUCT.at("topK");
    private static final long TOP_P = STRUCT.at("topP");
    private static final long MIN_P = STRUCT.at("minP");
    private static final long REPETITION = STRUCT.at("repetition");
    private static final long PRESENCE = STRUCT.at("presence");
    private static final long FREQUENCY = STRUCT.at("frequency");
    private static final long BIAS_COUNT = STRUCT.at("biasCount");
    private static final long SEED = STRUCT.at("seed");
    private static final long POSITION = STRUCT.at("position");
    private static final long ALLOWED_COUNT = STRUCT.at("allowedCount");
    private static final long COUNTS = STRUCT.at("counts");
    private static final long BIAS_IDS = STRUCT.at("biasIds");
    private static final long MASK = STRUCT.at("mask");
    /** Flags of a row that is only searched for its highest logit. */
    static final int GREEDY = 4;
    private static final int PENALTIES = 1;
    private static final int BIAS = 2;
    private static final int MASKED = 8;

    private SamplingRecords() {
    }

    /** The flags of a row. */
    static int flags(RowSampling row) {
        SamplerSettings s = row.settings();
        return (s.hasPenalties() ? PENALTIES : 0) | (s.bias().isEmpty() ? 0 : BIAS) | (s.picksHighest() ? GREEDY : 0)
                | (row.allowed().length == 0 ? 0 : MASKED);
    }

    /**
     * Writes one.
     *
     * @param to where it goes
     * @param row of logits
     * @param counts of its slot on the device; 0 without penalties
     * @param lists where {@link #writeLists} has put its lists, as the device sees them
     */
    static void write(MemorySegment to, int row, RowSampling sampling, long counts, long lists) {
        SamplerSettings s = sampling.settings();
        to.set(ValueLayout.JAVA_INT, ROW, row);
        to.set(ValueLayout.JAVA_INT, FLAGS, flags(sampling));
        to.set(ValueLayout.JAVA_FLOAT, TEMPERATURE, s.temperature());
        to.set(ValueLayout.JAVA_INT, TOP_K, s.topK());
        to.set(ValueLayout.JAVA_FLOAT, TOP_P, s.topP());
        to.set(ValueLayout.JAVA_FLOAT, MIN_P, s.minP());
        to.set(ValueLayout.JAVA_FLOAT, REPETITION, s.repetitionPenalty());
        to.set(ValueLayout.JAVA_FLOAT, PRESENCE, s.presencePenalty());
        to.set(ValueLayout.JAVA_FLOAT, FREQUENCY, s.frequencyPenalty());
        to.set(ValueLayout.JAVA_INT, BIAS_COUNT, s.bias().ids().length);
        to.set(ValueLayout.JAVA_LONG, SEED, s.seed());
        to.set(ValueLayout.JAVA_INT, POSITION, sampling.length());
        to.set(ValueLayout.JAVA_INT, ALLOWED_COUNT, s.bias().allowed().length);
        to.set(ValueLayout.JAVA_LONG, COUNTS, counts);
        to.set(ValueLayout.JAVA_LONG, BIAS_IDS, lists);
        to.set(ValueLayout.JAVA_LONG, MASK, lists + (long) Integer.BYTES * biasInts(s.bias()));
    }

    /** Numbers of 32 bits that a row's bias and mask take. */
    static int listInts(RowSampling row) {
        return biasInts(row.settings().bias()) + Long.BYTES / Integer.BYTES * row.allowed().length;
    }

    private static int biasInts(LogitBias b) {
        return 2 * b.ids().length + b.allowed().length;
    }

    /** Writes ids, what is added to their logits, and the only ids allowed; then the mask. */
    static void writeLists(MemorySegment to, RowSampling row) {
        LogitBias b = row.settings().bias();
        int n = b.ids().length;
        MemorySegment.copy(b.ids(), 0, to, ValueLayout.JAVA_INT, 0, n);
        MemorySegment.copy(b.values(), 0, to, ValueLayout.JAVA_FLOAT, (long) Integer.BYTES * n, n);
        MemorySegment.copy(b.allowed(), 0, to, ValueLayout.JAVA_INT, 2L * Integer.BYTES * n, b.allowed().length);
        MemorySegment.copy(row.allowed(), 0, to, ValueLayout.JAVA_LONG_UNALIGNED, (long) Integer.BYTES * biasInts(b), row.allowed().length);
    }

    /**
     * Checks what kernels take for granted.
     *
     * @param drawn which rows the drawing before has, whose tokens may not be read yet
     * @throws IllegalArgumentException if a token that is penalised, biased or allowed is outside the vocabulary, or the mask is not of its length
     */
    static void check(RowSampling row, int vocab, IntPredicate drawn) {
        SamplerSettings s = row.settings();
        if (s.hasPenalties()) {
            for (int i = 0; i < row.length(); i++) {
                int id = row.tokens()[i];
                if (id >= 0 || !drawn.test(StepBatch.drawn(id))) {
                    check("penalties", id, vocab);
                }
            }
        }
        for (int id : s.bias().ids()) {
            check("logit bias", id, vocab);
        }
        for (int id : s.bias().allowed()) {
            check("allowed tokens", id, vocab);
        }
        int words = row.allowed().length;
        if (words != 0 && words != Math.ceilDiv(vocab, Long.SIZE)) {
            throw new IllegalArgumentException("a mask of " + words + " words for a vocabulary of " + vocab + " tokens, which needs "
                    + Math.ceilDiv(vocab, Long.SIZE));
        }
    }

    private static void check(String what, int id, int vocab) {
        if (id < 0 || id >= vocab) {
            throw new IllegalArgumentException(what + ": token " + id + " is outside the vocabulary of " + vocab + " tokens (0 to " + (vocab - 1)
                    + ")");
        }
    }
}
