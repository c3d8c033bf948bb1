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
 * How often each sequence with penalties has said each token, kept on the device by slot: a slot gets its counts when a row of it first wants
 * penalties, and then only what was said since. Slots whose rows want none cost nothing. A token that nobody has read yet is counted by the device,
 * which knows it.
 */
public final class SlotCounts implements AutoCloseable {
    private static final int DELTAS = 4096;
    private static final int DELTA_INTS = 3;
    /** One is filled while the device may still read the other. */
    private static final int COPIES = 2;
    private static final int IN_PROMPT = 1;
    private static final int IN_OUTPUT = 2;

    private final Owner owner = new Owner();
    private final Context context;
    private final Stream stream;
    private final SampleKernels.Count count;
    private final MemorySegment slots;
    private final MemorySegment deltas;
    private final long deltasAt;
    private final DeviceMemory[] memory;
    private final int[] counted;
    private final int vocab;
    private int copy;
    private int filled;
    private long results;
    private long bytes;

    SlotCounts(Context context, Stream stream, Kernels kernels, Arena arena, int slotCount, int vocab) {
        this.context = context;
        this.stream = stream;
        this.vocab = vocab;
        memory = new DeviceMemory[slotCount];
        counted = new int[slotCount];
        try {
            PinnedMemory s = owner.own(PinnedMemory.allocate((long) Long.BYTES * slotCount, "counts of tokens"));
            PinnedMemory d = owner.own(PinnedMemory.allocate((long) Integer.BYTES * DELTA_INTS * DELTAS * COPIES, "counts of tokens"));
            slots = s.memory();
            deltas = d.memory();
            deltasAt = d.address();
            count = SampleKernels.count(kernels, arena, s.address());
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    /**
     * Begins what is counted for a drawing. The second last one must be over.
     *
     * @param resultsOfLast results of the one before, which tokens that are not read yet are of
     */
    void begin(long resultsOfLast) {
        results = resultsOfLast;
    }

    /** Where the counts of a row's slot are, brought up to what its sequence has said. */
    long update(RowSampling row) {
        int slot = row.slot();
        if (memory[slot] == null) {
            DeviceMemory m = owner.own(DeviceMemory.allocate(context, (long) Integer.BYTES * vocab, "counts of tokens"));
            memory[slot] = m;
            bytes += m.bytes();
            slots.setAtIndex(ValueLayout.JAVA_LONG, slot, m.address());
            counted[slot] = 0;
        }
        if (counted[slot] == 0 || counted[slot] > row.length()) {
            memory[slot].fill(stream, (byte) 0);
            counted[slot] = 0;
        }
        for (int i = counted[slot]; i < row.length(); i++) {
            add(slot, row.tokens()[i], i < row.promptLength() ? IN_PROMPT : IN_OUTPUT);
        }
        counted[slot] = row.length();
        return memory[slot].address();
    }

    private void add(int slot, int token, int what) {
        if (filled == DELTAS) {
            flush();
            stream.synchronize(); // the kernel reads the host's memory
        }
        long at = ((long) copy * DELTAS + filled++) * DELTA_INTS;
        deltas.setAtIndex(ValueLayout.JAVA_INT, at, slot);
        deltas.setAtIndex(ValueLayout.JAVA_INT, at + 1, token);
        deltas.setAtIndex(ValueLayout.JAVA_INT, at + 2, what);
    }

    /** Queues what was counted. */
    void flush() {
        if (filled > 0) {
            count.run(stream, deltasAt + (long) copy * DELTAS * DELTA_INTS * Integer.BYTES, filled, results);
            copy = (copy + 1) % COPIES;
            filled = 0;
        }
    }

    /** The other slot counts from the start again, when it first wants to: its sequence has said all that this one has. */
    public void fork(int to) {
        counted[to] = 0;
    }

    /** Forgets. */
    public void release(int slot) {
        counted[slot] = 0;
    }

    /** Bytes on the device. */
    public long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        owner.close();
    }
}
