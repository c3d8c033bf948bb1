package io.jllm.cuda.sample;

import io.jllm.cuda.driver.Event;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.PinnedMemory;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.SampleKernels;
import io.jllm.spi.Drawing;
import io.jllm.spi.RowSampling;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;

/**
 * Rows that are drawn together: how, and what came of it. Both lie in pinned memory that kernels read and write where it is, so that there is nothing
 * to copy. Used again and again; not before what was queued with it is over.
 */
final class DeviceDrawing implements Drawing, AutoCloseable {
    /** Rows that are drawn at once in any way but the greedy one: each takes scratch memory of its own. */
    static final int ROWS_AT_ONCE = 32;
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
    private final long recordsAt;
    private final long resultsAt;
    private final SampleKernels.Greedy greedy;
    private final SampleKernels.Any any;
    private final SampleKernels.Take take;
    private final Event done;
    private final int[] rowOf;
    private final BitSet drawnRows = new BitSet();
    private int drawn;
    private PinnedMemory lists;

    /**
     * Room for so many rows.
     *
     * @param scratch memory of the greedy choice
     * @param any draws rows of any kind; its records and results are set before it runs
     */
    DeviceDrawing(Stream stream, Kernels kernels, Arena arena, SampleKernels.Logits logits, int rows, long scratch, SampleKernels.Any any,
            SlotCounts counts) {
        this.stream = stream;
        this.any = any;
        this.counts = counts;
        vocab = logits.vocab();
        rowOf = new int[rows];
        try {
            PinnedMemory r = owner.own(PinnedMemory.allocate(RECORD_BYTES * rows, "sampling"));
            PinnedMemory out = owner.own(PinnedMemory.allocate(RESULT_BYTES * rows, "sampling"));
            lists = PinnedMemory.allocate(Integer.BYTES * (long) FIRST_LISTS, "sampling");
            done = owner.own(Event.create());
            records = r.memory();
            results = out.memory();
            recordsAt = r.address();
            resultsAt = out.address();
            greedy = SampleKernels.greedy(kernels, arena, logits, recordsAt, resultsAt, scratch);
            take = SampleKernels.take(kernels, arena, resultsAt);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Queues the drawing of rows, as {@link io.jllm.spi.ModelRunner#startSample}.
     *
     * @param before the drawing before this one
     */
    void queue(RowSampling[] rows, int count, DeviceDrawing before) {
        done.synchronize(); // kernels may still read what is written now, if nobody waited for them
        drawn = 0;
        drawnRows.clear();
        prepareLists(rows, count, before);
        counts.begin(before.resultsAt);
        int simple = 0;
        int at = 0;
        try {
            for (int pass = 0; pass < 2; pass++) { // rows that are only searched first, the others behind them
                for (int r = 0; r < count; r++) {
                    if (rows[r] != null && pass == (SamplingRecords.flags(rows[r]) == SamplingRecords.GREEDY ? 0 : 1)) {
                        at = write(drawn, r, rows[r], at);
                        rowOf[drawn++] = r;
                        drawnRows.set(r);
                        simple += pass == 0 ? 1 : 0;
                    }
                }
            }
        } finally {
            counts.flush(); // what is counted is counted, also where a later row fails
        }
        if (simple > 0) {
            greedy.run(stream, simple);
        }
        for (int from = simple; from < drawn; from += ROWS_AT_ONCE) {
            any.run(stream, recordsAt + from * RECORD_BYTES, resultsAt, Math.min(ROWS_AT_ONCE, drawn - from));
        }
        done.record(stream);
    }

    private int write(int index, int row, RowSampling sampling, int at) {
        long place = (long) Integer.BYTES * at;
        int ints = SamplingRecords.listInts(sampling);
        if (ints > 0) {
            SamplingRecords.writeLists(lists.memory().asSlice(place), sampling);
        }
        SamplingRecords.write(records.asSlice(index * RECORD_BYTES, RECORD_BYTES), row, sampling,
                sampling.settings().hasPenalties() ? counts.update(sampling) : 0, lists.address() + place);
        return at + ints;
    }

    /** Checks all rows before anything is changed, and makes room for their biases and masks. */
    private void prepareLists(RowSampling[] rows, int count, DeviceDrawing before) {
        int ints = 1;
        for (int r = 0; r < count; r++) {
            if (rows[r] != null) {
                SamplingRecords.check(rows[r], vocab, before::has);
                ints = Math.addExact(ints, SamplingRecords.listInts(rows[r]));
            }
        }
        if ((long) ints * Integer.BYTES > lists.memory().byteSize()) {
            PinnedMemory larger = PinnedMemory.allocate(2L * Integer.BYTES * ints, "logit bias, allowed tokens and masks");
            lists.close();
            lists = larger;
        }
    }

    /** Whether it draws a row. */
    boolean has(int row) {
        return drawnRows.get(row);
    }

    /** Queues what puts drawn tokens in their places among so many ids on the device. */
    void take(long ids, int count) {
        take.run(stream, ids, count);
    }

    @Override
    public void finish(int[] tokens, float[] logprobs, RuntimeException[] errors) {
        done.synchronize();
        for (int i = 0; i < drawn; i++) {
            int row = rowOf[i];
            long result = row * RESULT_BYTES;
            int status = results.get(ValueLayout.JAVA_INT, result + STATUS);
            if (status == 0) {
                tokens[row] = results.get(ValueLayout.JAVA_INT, result + TOKEN);
                logprobs[row] = results.get(ValueLayout.JAVA_FLOAT, result + LOGPROB);
            } else {
                errors[row] = failure(status, results.get(ValueLayout.JAVA_INT, result + DETAIL), vocab);
            }
        }
    }

    private static IllegalStateException failure(int status, int detail, int vocab) {
        return switch (status) {
            case 1 -> notANumber(detail);
            case 2 -> allBanned(vocab);
            default -> new IllegalStateException("no token may be picked: mask, penalties, logit bias and allowed tokens leave "
                    + (status == 4 ? "a logit that is not a number" : "none of " + vocab + " tokens a finite logit"));
        };
    }

    static IllegalStateException notANumber(int id) {
        return new IllegalStateException("the logit of token " + id + " is not a number: the model's weights are broken, or it overflowed");
    }

    static IllegalStateException allBanned(int vocab) {
        return new IllegalStateException("no token may be picked: all " + vocab + " logits are negative infinity");
    }

    @Override
    public void close() {
        if (lists != null) {
            owner.own(lists);
        }
        owner.close();
    }
}
