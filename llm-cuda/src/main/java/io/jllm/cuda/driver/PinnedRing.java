package io.jllm.cuda.driver;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Slots of pinned memory on their way to the device. Any thread takes a free slot and fills it; the one thread that owns the stream queues
 * copies from it, passes it on, and lets slots come back when their copies are done.
 */
public final class PinnedRing implements AutoCloseable {
    /** A slot. */
    public static final class Slot {
        private final MemorySegment memory;
        private final Event copied;

        private Slot(MemorySegment memory, Event copied) {
            this.memory = memory;
            this.copied = copied;
        }

        /** Its memory. */
        public MemorySegment memory() {
            return memory;
        }
    }

    private final Owner owner = new Owner();
    private final BlockingQueue<Slot> free = new LinkedBlockingQueue<>();
    private final Queue<Slot> queued = new ArrayDeque<>();

    /** A ring of so many slots; gives back what it has if there is no room. */
    public PinnedRing(int slots, long slotBytes) {
        try {
            MemorySegment memory = owner.own(PinnedMemory.allocate(slots * slotBytes, "copies of weights")).memory();
            for (int i = 0; i < slots; i++) {
                free.add(new Slot(memory.asSlice(i * slotBytes, slotBytes), owner.own(Event.create())));
            }
        } catch (CudaException e) {
            owner.close();
            throw e;
        }
    }

    /** A free slot; waits for one. */
    public Slot take() throws InterruptedException {
        return free.take();
    }

    /** Gives a slot back once all is done that the stream holds now. */
    public void release(Slot slot, Stream stream) {
        slot.copied.record(stream);
        queued.add(slot);
    }

    /** Waits for the slot that was released first and lets it come back; false if all have. */
    public boolean recycle() {
        Slot oldest = queued.poll();
        if (oldest == null) {
            return false;
        }
        oldest.copied.synchronize();
        free.add(oldest);
        return true;
    }

    @Override
    public void close() {
        owner.close();
    }
}
