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
 * Which rows of a step have which adapter, brought to the device in a copy for each kind of rows: the number of tiles, then tiles of rows of one
 * adapter, each the number of its rows, the adapter's slot, how many rows those before it have, and the rows themselves. There are two copies
 * on the host, as of {@link io.jllm.cuda.memory.StepUpload}.
 */
final class AdaptedRows implements AutoCloseable {
    private static final int COPIES = 2;
    /** Ints before the first tile, and before the rows of a tile. */
    private static final int HEAD = 4;
    /** Tiles of one kind of rows that there should be before they get more rows: so many keep the device busy. */
    private static final int BUSY = 16;

    private final Owner owner = new Owner();
    private final DeviceMemory device;
    private final MemorySegment[] host = new MemorySegment[COPIES];
    private final Event[] sent = new Event[COPIES];
    private final long[] order;
    private final int tile;
    /** Where rows of logits begin, in ints. */
    private final int logitsAt;
    private int current;

    /**
     * Room for the largest step.
     *
     * @param tile most rows of a tile
     */
    AdaptedRows(Context context, int tokens, int logitRows, int tile) {
        this.tile = tile;
        order = new long[Math.max(tokens, logitRows)];
        logitsAt = Math.addExact(HEAD, Math.multiplyExact(tokens, HEAD + tile));
        long bytes = Integer.BYTES * (logitsAt + HEAD + (long) logitRows * (HEAD + tile));
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

    long address(Value.Rows kind) {
        return device.address() + (long) Integer.BYTES * at(kind);
    }

    private int at(Value.Rows kind) {
        return kind == Value.Rows.TOKENS ? 0 : logitsAt;
    }

    long bytes() {
        return device.bytes();
    }

    /** Queues the copies of a step; the slots are those of adapters' numbers. */
    void send(StepBatch b, IntUnaryOperator slots, Stream stream) {
        current = (current + 1) % COPIES;
        sent[current].synchronize();
        send(Value.Rows.TOKENS, tokens(b, slots), stream);
        send(Value.Rows.LOGITS, logits(b, slots), stream);
        sent[current].record(stream);
    }

    private void send(Value.Rows kind, int rows, Stream stream) {
        Arrays.sort(order, 0, rows);
        MemorySegment part = host[current].asSlice((long) Integer.BYTES * at(kind), (long) Integer.BYTES * put(at(kind), rows));
        stream.copyToDevice(address(kind), part);
    }

    /** Rows of tokens, with their adapters' slots in the upper halves. */
    private int tokens(StepBatch b, IntUnaryOperator slots) {
        int n = 0;
        for (int s = 0; s < b.sequences; s++) {
            for (int t = b.queryStart[s]; b.adapter[s] != 0 && t < b.queryStart[s + 1]; t++) {
                order[n++] = (long) slots.applyAsInt(b.adapter[s]) << Integer.SIZE | t;
            }
        }
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
        return n;
    }

    /** Writes the first rows of the order as tiles; returns how many ints that is. */
    private int put(int at, int rows) {
        int tiles = 0;
        int most = Math.clamp(rows / BUSY, 1, tile);
        for (int i = 0, size; i < rows; i += size) {
            int to = at + HEAD + (HEAD + tile) * tiles++;
            for (size = 0; size < most && i + size < rows && slot(i + size) == slot(i); size++) {
                set(to + HEAD + size, (int) order[i + size]);
            }
            set(to, size);
            set(to + 1, slot(i));
            set(to + 2, i);
        }
        set(at, tiles);
        return HEAD + (HEAD + tile) * tiles;
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
