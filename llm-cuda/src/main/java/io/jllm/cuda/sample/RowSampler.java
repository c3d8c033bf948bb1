package io.jllm.cuda.sample;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.PinnedMemory;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.SampleKernels;
import io.jllm.spi.RowSampling;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Draws tokens on the device. Records of how to draw and the results lie in pinned memory that kernels read and write where it is, so that there is
 * nothing to copy: some launches, and one wait.
 */
public final class RowSampler implements AutoCloseable {
    /** Rows that are drawn at once in any way but the greedy one: each takes scratch memory of its own. */
    private static final int ROWS_AT_ONCE = 32;
    private static final long RECORD_BYTES = SampleKernels.ROW.bytes();
    private static final long RESULT_BYTES = SampleKernels.RESULT.bytes();
    private static final long TOKEN = SampleKernels.RESULT.at("token");
    private static final long LOGPROB = SampleKernels.RESULT.at("logprob");
    private static final long STATUS = SampleKernels.RESULT.at("status");
    private static final long DETAIL = SampleKernels.RESULT.at("detail");
    /** Numbers of 32 bits of biases, allowed tokens and masks that fit the first buffer for them. */
    private static final int FIRST_LISTS = 4096;

    private final Owner owner = new Owner();
    private final Stream stream;
    private final int vocab;
    private final SlotCounts counts;
    private final MemorySegment records;
    private final MemorySegment results;
    private final MemorySegment topRows;
    private final MemorySegment topIds;
    private final MemorySegment topLogprobs;
    private final long recordsAt;
    private final long resultsAt;
    private final long scratchBytes;
    private final SampleKernels.Greedy greedy;
    private final SampleKernels.Any any;
    private final SampleKernels.Top top;
    private final int mostTop;
    private final int[] rowOf;
    private PinnedMemory lists;

    /**
     * Room for so many rows.
     *
     * @param logits rows of floats on the device
     * @param pitch floats from a row to the next
     * @param slots sequence slots
     */
    public RowSampler(Context context, Stream stream, Kernels kernels, Arena arena, long logits, int pitch, int vocab, int rows, int slots) {
        this.stream = stream;
        this.vocab = vocab;
        rowOf = new int[rows];
        mostTop = SampleKernels.mostTop(kernels);
        try {
            counts = owner.own(new SlotCounts(context, stream, kernels, arena, slots, vocab));
            PinnedMemory r = owner.own(PinnedMemory.allocate(RECORD_BYTES * rows, "sampling"));
            PinnedMemory out = owner.own(PinnedMemory.allocate(RESULT_BYTES * rows, "sampling"));
            PinnedMemory tops = owner.own(PinnedMemory.allocate(Integer.BYTES * (long) ROWS_AT_ONCE * (1 + 2 * mostTop), "sampling"));
            lists = PinnedMemory.allocate(Integer.BYTES * (long) FIRST_LISTS, "sampling");
            records = r.memory();
            results = out.memory();
            recordsAt = r.address();
            resultsAt = out.address();
            topRows = tops.memory();
            topIds = topRows.asSlice(Integer.BYTES * (long) ROWS_AT_ONCE);
            topLogprobs = topIds.asSlice(Integer.BYTES * (long) ROWS_AT_ONCE * mostTop);
            scratchBytes = scratchBytes(kernels, vocab, rows);
            DeviceMemory scratch = owner.own(DeviceMemory.allocate(context, scratchBytes, "sampling"));
            scratch.fill(stream, (byte) 0);
            long large = scratch.address() + greedyBytes(kernels, rows);
            var all = new SampleKernels.Logits(logits, pitch, vocab);
            greedy = SampleKernels.greedy(kernels, arena, all, recordsAt, resultsAt, scratch.address());
            any = SampleKernels.any(kernels, arena, all, large);
            top = SampleKernels.top(kernels, arena, all, topRows.address(), topIds.address(), topLogprobs.address(), large);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Bytes that it takes on the device, but for counts. */
    public static long scratchBytes(Kernels kernels, int vocab, int rows) {
        return greedyBytes(kernels, rows) + SampleKernels.anyScratch(kernels, vocab) * Math.min(rows, ROWS_AT_ONCE);
    }

    private static long greedyBytes(Kernels kernels, int rows) {
        return SampleKernels.greedyScratch(kernels) * rows;
    }

    /** Most tokens that {@link #topK} finds. */
    public int mostTop() {
        return mostTop;
    }

    /** As {@link io.jllm.spi.ModelRunner#sample}. */
    public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
        prepareLists(rows, count);
        int simple = 0;
        int drawn = 0;
        int at = 0;
        for (int pass = 0; pass < 2; pass++) { // rows that are only searched first, the others behind them
            for (int r = 0; r < count; r++) {
                if (rows[r] != null && pass == (SamplingRecords.flags(rows[r]) == SamplingRecords.GREEDY ? 0 : 1)) {
                    at = write(drawn, r, rows[r], at);
                    rowOf[drawn++] = r;
                    simple += pass == 0 ? 1 : 0;
                }
            }
        }
        counts.flush();
        if (simple > 0) {
            greedy.run(stream, simple);
        }
        for (int from = simple; from < drawn; from += ROWS_AT_ONCE) {
            any.run(stream, recordsAt + from * RECORD_BYTES, resultsAt + from * RESULT_BYTES, Math.min(ROWS_AT_ONCE, drawn - from));
        }
        stream.synchronize();
        for (int i = 0; i < drawn; i++) {
            long result = i * RESULT_BYTES;
            check(results.get(ValueLayout.JAVA_INT, result + STATUS), results.get(ValueLayout.JAVA_INT, result + DETAIL));
            tokens[rowOf[i]] = results.get(ValueLayout.JAVA_INT, result + TOKEN);
            logprobs[rowOf[i]] = results.get(ValueLayout.JAVA_FLOAT, result + LOGPROB);
        }
    }

    private int write(int index, int row, RowSampling sampling, int at) {
        long place = (long) Integer.BYTES * at;
        SamplingRecords.writeLists(lists.memory().asSlice(place), sampling);
        SamplingRecords.write(records.asSlice(index * RECORD_BYTES, RECORD_BYTES), row, sampling,
                sampling.settings().hasPenalties() ? counts.update(sampling) : 0, lists.address() + place);
        return at + SamplingRecords.listInts(sampling);
    }

    /** Checks all rows before anything is changed, and makes room for their biases and masks. */
    private void prepareLists(RowSampling[] rows, int count) {
        int ints = 1;
        for (int r = 0; r < count; r++) {
            if (rows[r] != null) {
                SamplingRecords.check(rows[r], vocab);
                ints = Math.addExact(ints, SamplingRecords.listInts(rows[r]));
            }
        }
        if ((long) ints * Integer.BYTES > lists.memory().byteSize()) {
            PinnedMemory larger = PinnedMemory.allocate(2L * Integer.BYTES * ints, "logit bias, allowed tokens and masks");
            lists.close();
            lists = larger;
        }
    }

    private void check(int status, int detail) {
        switch (status) {
            case 0 -> { }
            case 1 -> throw notANumber(detail);
            case 2 -> throw allBanned();
            default -> throw new IllegalStateException("no token may be picked: mask, penalties, logit bias and allowed tokens leave "
                    + (status == 4 ? "a logit that is not a number" : "none of " + vocab + " tokens a finite logit"));
        }
    }

    private static IllegalStateException notANumber(int id) {
        return new IllegalStateException("the logit of token " + id + " is not a number: the model's weights are broken, or it overflowed");
    }

    private IllegalStateException allBanned() {
        return new IllegalStateException("no token may be picked: all " + vocab + " logits are negative infinity");
    }

    /** As {@link io.jllm.spi.ModelRunner#topK}, for k from 1 to {@link #mostTop()}. */
    public void topK(int[] rows, int k, int[] ids, float[] logprobs) {
        for (int from = 0; from < rows.length; from += ROWS_AT_ONCE) {
            int n = Math.min(ROWS_AT_ONCE, rows.length - from);
            MemorySegment.copy(rows, from, topRows, ValueLayout.JAVA_INT, 0, n);
            top.run(stream, k, n);
            stream.synchronize();
            MemorySegment.copy(topIds, ValueLayout.JAVA_INT, 0, ids, from * k, n * k);
            MemorySegment.copy(topLogprobs, ValueLayout.JAVA_FLOAT, 0, logprobs, from * k, n * k);
            for (int i = from; i < from + n; i++) {
                int first = ids[i * k];
                if (first < 0) {
                    throw first == Integer.MIN_VALUE ? allBanned() : notANumber(-1 - first);
                }
            }
        }
    }

    public SlotCounts counts() {
        return counts;
    }

    /** Bytes on the device. */
    long bytes() {
        return scratchBytes + counts.bytes();
    }

    @Override
    public void close() {
        if (lists != null) {
            owner.own(lists);
        }
        owner.close();
    }
}
