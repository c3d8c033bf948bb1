package io.jllm.cuda.sample;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.PinnedMemory;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.SampleKernels;
import io.jllm.sampling.SamplerChain;
import io.jllm.spi.Drawing;
import io.jllm.spi.RowSampling;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Draws tokens on the device: some launches, and one wait, or none where the next step begins before the tokens are read. Two drawings can be under
 * way.
 */
public final class RowSampler implements AutoCloseable {
    private static final int ROWS_AT_ONCE = DeviceDrawing.ROWS_AT_ONCE;

    private final Owner owner = new Owner();
    private final Stream stream;
    private final int vocab;
    private final SlotCounts counts;
    private final MemorySegment topRows;
    private final MemorySegment topIds;
    private final MemorySegment topLogprobs;
    private final long scratchBytes;
    private final SampleKernels.Top top;
    private final int mostTop;
    private final RuntimeException[] errors;
    private DeviceDrawing last;
    private DeviceDrawing next;

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
        errors = new RuntimeException[rows];
        mostTop = SampleKernels.mostTop(kernels);
        try {
            counts = owner.own(new SlotCounts(context, stream, kernels, arena, slots, vocab));
            PinnedMemory tops = owner.own(PinnedMemory.allocate(Integer.BYTES * (long) ROWS_AT_ONCE * (1 + 2 * mostTop), "sampling"));
            topRows = tops.memory();
            topIds = topRows.asSlice(Integer.BYTES * (long) ROWS_AT_ONCE);
            topLogprobs = topIds.asSlice(Integer.BYTES * (long) ROWS_AT_ONCE * mostTop);
            scratchBytes = scratchBytes(kernels, vocab, rows);
            DeviceMemory scratch = owner.own(DeviceMemory.allocate(context, scratchBytes, "sampling"));
            scratch.fill(stream, (byte) 0);
            long large = scratch.address() + greedyBytes(kernels, rows);
            var all = new SampleKernels.Logits(logits, pitch, vocab);
            SampleKernels.Any any = SampleKernels.any(kernels, arena, all, large);
            last = owner.own(new DeviceDrawing(stream, kernels, arena, all, rows, scratch.address(), any, counts));
            next = owner.own(new DeviceDrawing(stream, kernels, arena, all, rows, scratch.address(), any, counts));
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

    /** As {@link io.jllm.spi.ModelRunner#startSample}. */
    public Drawing start(RowSampling[] rows, int count) {
        DeviceDrawing drawing = next;
        drawing.queue(rows, count, last);
        next = last;
        last = drawing;
        return drawing;
    }

    /** As {@link io.jllm.spi.ModelRunner#sample}. */
    public void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs) {
        Arrays.fill(errors, null);
        start(rows, count).finish(tokens, logprobs, errors);
        for (RuntimeException e : errors) {
            if (e != null) {
                throw e;
            }
        }
    }

    /** Whether the last drawing draws a row. */
    public boolean draws(int row) {
        return last.has(row);
    }

    /** Queues what puts tokens of the last drawing in their places ({@link io.jllm.spi.StepBatch#drawn}) among so many ids on the device. */
    public void take(long ids, int count) {
        last.take(ids, count);
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
                    throw first == Integer.MIN_VALUE ? DeviceDrawing.allBanned(vocab) : DeviceDrawing.notANumber(-1 - first);
                }
            }
        }
    }

    /** The same for any k, of rows that are on the host. */
    public void topK(MemorySegment logits, int[] rows, int k, int[] ids, float[] logprobs) {
        var chain = new SamplerChain(vocab);
        var row = new float[vocab];
        for (int i = 0; i < rows.length; i++) {
            MemorySegment.copy(logits, ValueLayout.JAVA_FLOAT, (long) rows[i] * vocab * Float.BYTES, row, 0, vocab);
            chain.topK(row, k, ids, logprobs, i * k);
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
        owner.close();
    }
}
