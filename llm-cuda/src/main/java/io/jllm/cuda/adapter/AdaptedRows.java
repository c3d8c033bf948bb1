package io.jllm.cuda.adapter;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Event;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.PinnedMemory;
import io.jllm.cuda.driver.Stream;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/**
 * Which rows of a step have which adapter, brought to the device in one copy: for each kind of rows the number of tiles, where these begin and where
 * the order of rows begins; then tiles of rows of one adapter (the first in that order, how many, and the adapter's slot) and the order itself, in
 * which rows of an adapter stand together. There are two copies on the host, as of {@link io.jllm.cuda.memory.StepUpload}.
 */
final class AdaptedRows implements AutoCloseable {
    private static final int COPIES = 2;
    private static final int HEAD = 3;
    private static final int TILE_INTS = 3;
    private static final int KINDS = Value.Rows.values().length;

    private final Owner owner = new Owner();
    private final DeviceMemory device;
    private final MemorySegment[] host = new MemorySegment[COPIES];
    private final Event[] sent = new Event[COPIES];
    private final long[] order;
    private final int tile;
    private int current;

    /**
     * Room for the largest step.
     *
     * @param tile most rows of a tile
     */
    AdaptedRows(Context context, int tokens, int logitRows, int tile) {
        this.tile = tile;
        order = new long[Math.max(tokens, logitRows)];
        long bytes = Integer.BYTES * ((long) KINDS * HEAD + (TILE_INTS + 1L) * (tokens + logitRows));
        try {
            device = owner.own(DeviceMemory.allocate(context, bytes, "rows that have adapters"));
            for (int i = 0; i < COPIES; i++) {
                host[i] = owner.own(PinnedMemory.allocate(bytes, "rows that have adapters")).memory();
                sent[i] = owner.own(Event.create());
            }
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    long address() {
        return device.address();
    }

    long bytes() {
        return device.bytes();
    }

    /** Queues the copy of a step; the slots are those of adapters' numbers. */
    void send(StepBatch b, IntUnaryOperator slots, Stream stream) {
        current = (current + 1) % COPIES;
        sent[current].synchronize();
        int end = put(Value.Rows.TOKENS, tokens(b, slots), KINDS * HEAD);
        end = put(Value.Rows.LOGITS, logits(b, slots), end);
        stream.copyToDevice(device.address(), host[current].asSlice(0, (long) Integer.BYTES * end));
        sent[current].record(stream);
    }

    /** Rows of tokens in order of adapters, whose slots are in the upper halves. */
    private int tokens(StepBatch b, IntUnaryOperator slots) {
        int n = 0;
        for (int s = 0; s < b.sequences; s++) {
            for (int t = b.queryStart[s]; b.adapter[s] != 0 && t < b.queryStart[s + 1]; t++) {
                order[n++] = (long) slots.applyAsInt(b.adapter[s]) << Integer.SIZE | t;
            }
        }
        Arrays.sort(order, 0, n);
        return n;
    }

    private int logits(StepBatch b, IntUnaryOperator slots) {
        int n = 0;
        int s = 0;
        for (int r = 0; r < b.logitRows; r++) {
            while (b.logitRow[r] >= b.queryStart[s + 1]) {
                s++;
            }
            if (b.adapter[s] != 0) {
                order[n++] = (long) slots.applyAsInt(b.adapter[s]) << Integer.SIZE | r;
            }
        }
        Arrays.sort(order, 0, n);
        return n;
    }

    /** Writes the first rows of the order from an index on; returns the index behind. */
    private int put(Value.Rows kind, int rows, int at) {
        int tiles = 0;
        for (int i = 0, size; i < rows; i += size) {
            int slot = slot(i);
            size = 1;
            while (size < tile && i + size < rows && slot(i + size) == slot) {
                size++;
            }
            int to = at + TILE_INTS * tiles++;
            set(to, i);
            set(to + 1, size);
            set(to + 2, slot);
        }
        int rowsAt = at + TILE_INTS * tiles;
        for (int i = 0; i < rows; i++) {
            set(rowsAt + i, (int) order[i]);
        }
        int head = HEAD * kind.ordinal();
        set(head, tiles);
        set(head + 1, at);
        set(head + 2, rowsAt);
        return rowsAt + rows;
    }

    private int slot(int i) {
        return (int) (order[i] >> Integer.SIZE);
    }

    private void set(int index, int value) {
        host[current].setAtIndex(ValueLayout.JAVA_INT, index, value);
    }

    @Override
    public void close() {
        owner.close();
    }
}
