package io.jllm.cuda.memory;

import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Event;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.PinnedMemory;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.StepArrays;
import io.jllm.cuda.kernels.attention.AttentionCut;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * What changes from step to step, brought to the device in one copy. There are several copies on the host, so that one can be filled while the one
 * before it is still on its way.
 */
public final class StepUpload implements StepArrays, AutoCloseable {
    private static final int COPIES = 2;

    private final Owner owner = new Owner();
    private final int[] at = new int[Field.values().length];
    private final AttentionCut cut;
    private final int tableInts;
    private final int blockSize;
    private final int pieceRoom;
    private final DeviceMemory device;
    private final MemorySegment[] host = new MemorySegment[COPIES];
    private final Event[] sent = new Event[COPIES];
    private final long bytes;
    private int current;

    /**
     * Room for all steps that the options allow.
     *
     * @param cut how attention cuts its work
     * @param tableInts entries of all block tables together
     * @param pieceRoom pieces of all contexts together
     */
    public StepUpload(Context context, RunnerOptions options, AttentionCut cut, int tableInts, int pieceRoom) {
        this.cut = cut;
        this.tableInts = tableInts;
        this.pieceRoom = pieceRoom;
        blockSize = options.blockSize();
        bytes = Integer.BYTES * (long) layout(options, cut, at, tableInts);
        try {
            device = owner.own(DeviceMemory.allocate(context, bytes, "a step's numbers"));
            for (int i = 0; i < COPIES; i++) {
                host[i] = owner.own(PinnedMemory.allocate(bytes, "a step's numbers")).memory();
                sent[i] = owner.own(Event.create());
            }
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    /** Bytes that it takes on the device. */
    public static long bytes(RunnerOptions options, AttentionCut cut, int tableInts) {
        return Integer.BYTES * (long) layout(options, cut, new int[Field.values().length], tableInts);
    }

    private static int layout(RunnerOptions o, AttentionCut cut, int[] at, int tableInts) {
        int next = 0;
        for (Field f : Field.values()) {
            at[f.ordinal()] = next;
            next = Math.addExact(next, switch (f) {
                case TOKEN_IDS, POSITIONS, KV_SLOTS, TOKEN_SEQUENCE, ROPE_LENGTH -> o.maxTokensPerStep();
                case LOGIT_ROW -> o.maxLogitRows();
                case CONTEXT, TABLE_AT, SINGLE_ROW, SINGLE_SEQUENCE -> o.maxSequences();
                case PIECES -> 1 + o.maxSequences();
                case TILE_ROW, TILE_ROWS, TILE_SEQUENCE -> o.maxSequences() + o.maxTokensPerStep() / cut.queries();
                case TABLE -> tableInts;
            });
        }
        return next;
    }

    @Override
    public long address(Field f) {
        return device.address() + (long) Integer.BYTES * at[f.ordinal()];
    }

    /** What a batch launches. */
    public StepSize size(StepBatch b) {
        int singles = 0;
        int tiles = 0;
        for (int s = 0; s < b.sequences; s++) {
            int n = b.queryStart[s + 1] - b.queryStart[s];
            singles += n == 1 ? 1 : 0;
            tiles += n > 1 ? Math.ceilDiv(n, cut.queries()) : 0;
        }
        return new StepSize(b.tokens, b.logitRows, singles, tiles);
    }

    /**
     * Queues the copy of a batch.
     *
     * @param padded what is launched: rows above the batch's own get numbers that harm nobody
     */
    public void send(StepBatch b, StepSize padded, Stream stream) {
        current = (current + 1) % COPIES;
        sent[current].synchronize();
        MemorySegment h = host[current];
        copy(h, Field.TOKEN_IDS, b.tokenIds, b.tokens, padded.tokens(), 0);
        copy(h, Field.POSITIONS, b.positions, b.tokens, padded.tokens(), 0);
        copy(h, Field.KV_SLOTS, b.kvSlots, b.tokens, padded.tokens(), -1);
        copy(h, Field.LOGIT_ROW, b.logitRow, b.logitRows, padded.logitRows(), 0);
        int table = sequences(h, b);
        int single = 0;
        long pieces = 0;
        int size = pieceSize(b);
        set(h, Field.PIECES, 0, size);
        for (int s = 0; s < b.sequences; s++) {
            int first = b.queryStart[s];
            int n = b.queryStart[s + 1] - first;
            for (int t = first; t < first + n; t++) {
                set(h, Field.TOKEN_SEQUENCE, t, s);
                set(h, Field.ROPE_LENGTH, t, b.ropeLength[s]);
            }
            if (n == 1) {
                set(h, Field.SINGLE_ROW, single, first);
                set(h, Field.SINGLE_SEQUENCE, single, s);
                set(h, Field.PIECES, ++single, (int) pieces);
                pieces += Math.ceilDiv(b.contextLength[s], size);
            }
        }
        tiles(h, b, padded.tiles());
        for (int t = b.tokens; t < padded.tokens(); t++) {
            set(h, Field.TOKEN_SEQUENCE, t, 0);
            set(h, Field.ROPE_LENGTH, t, 0);
        }
        for (; single < padded.singles(); single++) {
            // An entry of its own, whose sequence has no positions.
            set(h, Field.SINGLE_ROW, single, single);
            set(h, Field.SINGLE_SEQUENCE, single, single);
            set(h, Field.PIECES, 1 + single, 0);
            set(h, Field.CONTEXT, single, 0);
            set(h, Field.TABLE_AT, single, 0);
        }
        stream.copyToDevice(device.address(), h.asSlice(0, Integer.BYTES * ((long) at[Field.TABLE.ordinal()] + Math.max(table, 1))));
        sent[current].record(stream);
    }

    /** Tiles of sequences with more tokens than one. Those that see most come first: blocks that start last are done soon. */
    private void tiles(MemorySegment h, StepBatch b, int count) {
        var order = new long[count]; // by the last position downwards, then by the first row, which the lower half has
        int n = 0;
        for (int s = 0; s < b.sequences; s++) {
            int end = b.queryStart[s + 1];
            for (int row = b.queryStart[s]; end - b.queryStart[s] > 1 && row < end; row += cut.queries()) {
                order[n++] = -(long) b.positions[Math.min(row + cut.queries(), end) - 1] << Integer.SIZE | row;
            }
        }
        Arrays.sort(order);
        for (int i = 0; i < count; i++) {
            int row = (int) order[i];
            int s = h.getAtIndex(ValueLayout.JAVA_INT, at[Field.TOKEN_SEQUENCE.ordinal()] + row);
            set(h, Field.TILE_ROW, i, row);
            set(h, Field.TILE_ROWS, i, Math.min(cut.queries(), b.queryStart[s + 1] - row));
            set(h, Field.TILE_SEQUENCE, i, s);
        }
    }

    /** Contexts and block tables; the entries that the tables have together. */
    private int sequences(MemorySegment h, StepBatch b) {
        int table = 0;
        for (int s = 0; s < b.sequences; s++) {
            int used = Math.ceilDiv(b.contextLength[s], blockSize);
            if (used > tableInts - table) {
                throw new IllegalArgumentException("the block tables of a step have more than " + tableInts + " entries");
            }
            set(h, Field.CONTEXT, s, b.contextLength[s]);
            set(h, Field.TABLE_AT, s, table);
            MemorySegment.copy(b.blockTable, s * b.maxBlocks, h, ValueLayout.JAVA_INT, Integer.BYTES * ((long) at[Field.TABLE.ordinal()] + table),
                    used);
            table += used;
        }
        return table;
    }

    /** The size of a piece with which all find room: the usual one, but where many sequences share long prefixes. */
    private int pieceSize(StepBatch b) {
        int size = cut.piece();
        while (pieces(b, size) > pieceRoom) {
            size *= 2;
        }
        return size;
    }

    private static long pieces(StepBatch b, int size) {
        long pieces = 0;
        for (int s = 0; s < b.sequences; s++) {
            pieces += b.queryStart[s + 1] - b.queryStart[s] == 1 ? Math.ceilDiv(b.contextLength[s], size) : 0;
        }
        return pieces;
    }

    private void copy(MemorySegment h, Field f, int[] from, int count, int padded, int filler) {
        MemorySegment.copy(from, 0, h, ValueLayout.JAVA_INT, (long) Integer.BYTES * at[f.ordinal()], count);
        for (int i = count; i < padded; i++) {
            set(h, f, i, filler);
        }
    }

    private void set(MemorySegment h, Field f, int index, int value) {
        h.setAtIndex(ValueLayout.JAVA_INT, at[f.ordinal()] + index, value);
    }

    @Override
    public void close() {
        owner.close();
    }
}
